#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A daemon that answers every call with what it is told: for each connection it reads calls, which end
# in NUL, and answers with the content of FILE, a Varlink reply in JSON. Until it is ended.
#   foreign_daemon.pl SOCKET FILE
use strict;
use warnings;
use IO::Socket::UNIX;

my ($path, $file) = @ARGV;
my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 8) or die "$path: $!\n";

# One client at a time, each with few calls.
while (my $client = $listener->accept) {
	local $/ = "\0";
	while (defined(my $call = <$client>)) {
		open(my $in, '<:raw', $file) or die "$file: $!\n";
		local $/ = undef;
		my $reply = <$in>;
		close($in);
		$client->print($reply, "\0");
		$client->flush;
		$/ = "\0";
	}
	close($client);
}
