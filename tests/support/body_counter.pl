#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A server that counts: prints its port, then for each request whose body came whole "LENGTH HEAD",
# the bytes of the body and the first 20 of them, and answers 200. One connection at a time.
use strict;
use warnings;
use IO::Socket::INET;

my $listener = IO::Socket::INET->new(Listen => 8, LocalAddr => '127.0.0.1', LocalPort => 0)
	or die "listen: $!";
$| = 1;
print $listener->sockport, "\n";
while (my $c = $listener->accept) {
	my ($head, $got, $begin) = ('', 0, '');
	while (sysread($c, my $bytes, 1 << 20)) {
		my $in_head = index($head, "\r\n\r\n") < 0;
		if ($in_head) {
			$head .= $bytes;
			my $end = index($head, "\r\n\r\n");
			next if $end < 0;
			$bytes = substr($head, $end + 4);
			$head = substr($head, 0, $end + 4);
		}
		$got += length $bytes;
		$begin .= substr($bytes, 0, 20 - length $begin) if length $begin < 20;
		my ($want) = $head =~ /^content-length: (\d+)/im;
		next if $got < ($want // 0);
		print "$got $begin\n";
		print $c "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
		($head, $got, $begin) = ('', 0, '');
	}
}
