#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Plays a person at a terminal: runs COMMAND on a pseudo-terminal and follows the steps on stdin,
# one on each line. What the command draws goes to a screen that understands what rpsctl uses and
# breaks long lines again when it becomes narrower, as most terminals do.
#
#	pty.pl COLUMNS ROWS COMMAND... <<END
#	see REGEX          until the screen matches (10 s at most); . matches no line's end, ^ and $ do
#	gone REGEX         until it does not
#	type TEXT          as keys; \r, \e, \x03
#	size COLUMNS ROWS
#	signal NAME        to the command
#	run COMMAND        in a shell of its own, elsewhere
#	cursor on|off      the cursor is shown, or hidden, within 10 s
#	echo on|off        the terminal echoes keys, or does not, within 10 s
#	count N REGEX      so many lines of the screen and of all that has left it match
#	exit N             the command ends with that status
#	END
#
# Nothing but core Perl: the numbers are Linux's for x86, ARM and RISC-V.
use strict;
use warnings;
use POSIX qw(:termios_h :sys_wait_h setsid);
use Encode qw(decode);
use Time::HiRes qw(time sleep);
use Fcntl;

use constant {
	TIOCSCTTY => 0x540e, TIOCSWINSZ => 0x5414, TIOCGPTN => 0x80045430,
	TIOCSPTLCK => 0x40045431, PATIENCE_S => 10,
};

binmode(STDIN, ":utf8");
binmode(STDERR, ":utf8");
my ($cols, $rows, @command) = @ARGV;
my @lines = ("");             # all that was drawn; the screen shows it from row $top on
my ($top, $y, $x) = (0, 0, 0);
my ($cursor, $status, $pending) = (1, undef, "");

sub fail {
	print STDERR "pty.pl: step $.: @_; the screen:\n", map { "|$_\n" } visible();
	print STDERR "the cursor is ", ($cursor ? "shown" : "hidden"),
		defined $status ? ", the command has ended with $status\n" : "\n";
	exit 1;
}

sub visible {
	return map { s/\s+$//r } @lines[$top .. $#lines];
}

sub put {
	my $char = shift;
	if ($x >= $cols) { newline(); $x = 0; }
	$lines[$y] .= " " x ($x - length $lines[$y]) if length $lines[$y] < $x;
	substr($lines[$y], $x, $x < length $lines[$y] ? 1 : 0) = $char;
	$x++;
}

sub keep_in_sight {
	$top = $y - $rows + 1 if $y >= $top + $rows;
}

sub newline {
	$y++;
	push @lines, "" if $y > $#lines;
	keep_in_sight();
}

sub control {
	my ($arguments, $final) = @_;
	my $n = $arguments =~ /^(\d+)/ && $1 > 0 ? $1 : 1;

	if ($final eq "A") { $y = $y - $n > $top ? $y - $n : $top; }
	elsif ($final eq "C") { $x += $n; }
	elsif ($final eq "D") { $x = $x > $n ? $x - $n : 0; }
	elsif ($final eq "K") { $lines[$y] = substr($lines[$y], 0, $x); }
	elsif ($final eq "J") {
		$lines[$y] = substr($lines[$y], 0, $x);
		$#lines = $y;
	}
	elsif ($arguments eq "?25") { $cursor = $final eq "h" ? 1 : 0; }
	elsif ($final !~ /[mhl]/) { fail("cannot draw ESC [ $arguments $final"); }
}

sub draw {
	$pending .= $_[0];
	my $text = decode("UTF-8", $pending, Encode::FB_QUIET);
	while ($text =~ /\G(?:\e\[([?0-9;]*)([A-Za-z])|\e[=>]|(\e.{0,30})\z|(.))/gs) {
		if (defined $2) { control($1, $2); }
		elsif (defined $3) { utf8::encode(my $rest = $3); $pending = $rest . $pending; }
		elsif (!defined $4) { }
		elsif ($4 eq "\r") { $x = 0; }
		elsif ($4 eq "\n") { newline(); }
		elsif ($4 eq "\b") { $x-- if $x; }
		elsif ($4 ge " ") { put($4); }
	}
}

my ($master, $slave);
sysopen($master, "/dev/ptmx", O_RDWR | O_NOCTTY) or die "ptmx: $!";
my $number = pack("i", 0);
ioctl($master, TIOCSPTLCK, $number) or die "unlock: $!";
ioctl($master, TIOCGPTN, $number) or die "number: $!";
sysopen($slave, "/dev/pts/" . unpack("i", $number), O_RDWR | O_NOCTTY) or die "slave: $!";

sub resize {
	my $size = pack("S4", $rows, $cols, 0, 0);
	ioctl($master, TIOCSWINSZ, $size) or die "size: $!";
}
resize();

my $pid = fork() // die "fork: $!";
if ($pid == 0) {
	setsid();
	ioctl($slave, TIOCSCTTY, my $no = 0) or die "terminal: $!";
	open(STDIN, "<&", $slave);
	open(STDOUT, ">&", $slave);
	open(STDERR, ">&", $slave);
	$SIG{$_} = "DEFAULT" for qw(HUP INT QUIT TSTP);
	exec { $command[0] } @command;
	die "$command[0]: $!";
}
END { kill "KILL", $pid if $pid && !defined $status; }

# Draws what has come, for at most so many seconds.
sub listen_for {
	my $wait = shift;
	my $bits = "";
	vec($bits, fileno($master), 1) = 1;
	while (select(my $ready = $bits, undef, undef, $wait) > 0) {
		sysread($master, my $text, 65536) or last;
		draw($text);
		$wait = 0;
	}
	if (!defined $status && waitpid($pid, WNOHANG) == $pid) {
		$status = WIFSIGNALED($?) ? 128 + WTERMSIG($?) : WEXITSTATUS($?);
	}
}

sub until_true {
	my ($is_so, $what) = @_;
	my $end = time + PATIENCE_S;
	until ($is_so->()) {
		fail($what) if time > $end;
		listen_for(0.02);
	}
}

sub echoes {
	my $mode = POSIX::Termios->new;
	$mode->getattr(fileno($slave));
	return ($mode->getlflag & ECHO) ? 1 : 0;
}

# The screen has become narrower, or lower.
sub break_lines {
	my (@new, $new_y);

	for my $i (0 .. $#lines) {
		my $line = $lines[$i];

		while (length $line > $cols) {
			push @new, substr($line, 0, $cols, "");
			$x -= $cols if $i == $y;
		}
		push @new, $line;
		$new_y = $#new if $i == $y;
	}
	@lines = @new;
	$y = $new_y;
	keep_in_sight();
}

my %steps = (
	see => sub { my $re = shift; until_true(sub { join("\n", visible()) =~ /$re/m }, "no $re") },
	gone => sub { my $re = shift; until_true(sub { join("\n", visible()) !~ /$re/m }, "still $re") },
	type => sub { my $text = shift; $text =~ s/(\\x..|\\[re])/eval "\"$1\""/ge; syswrite($master, $text) },
	size => sub { ($cols, $rows) = split " ", shift; break_lines(); resize() },
	signal => sub { kill shift, $pid },
	run => sub { system(shift) == 0 or fail("status $?") },
	cursor => sub { my $on = $_[0] eq "on" ? 1 : 0; until_true(sub { $cursor == $on }, "cursor $_[0]") },
	echo => sub { my $on = $_[0] eq "on" ? 1 : 0; until_true(sub { echoes() == $on }, "echo $_[0]") },
	count => sub {
		my ($n, $re) = split " ", shift, 2;
		my $got = grep { s/\s+$//r =~ $re } @lines;
		fail("$got lines match $re, not $n") if $got != $n;
	},
	exit => sub {
		my $want = shift;
		until_true(sub { defined $status }, "the command does not end");
		listen_for(0.05);
		fail("exit status $status, not $want") if $status != $want;
	},
);

while (my $step = <STDIN>) {
	chomp $step;
	next if $step =~ /^\s*(#|$)/;
	my ($word, $rest) = $step =~ /^\s*(\S+)\s*(.*)$/;
	fail("what is '$word'?") unless $steps{$word};
	listen_for(0);
	$steps{$word}->($rest);
}
