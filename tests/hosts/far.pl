#!/usr/bin/perl
#
# far.pl LISTEN TO FILE MS - a store that is MS milliseconds away, one way.
#
# Takes connections at LISTEN, makes one to TO for each, and hands every byte on so
# much later, in both directions.  FILE has the port when it can be called.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes 'time';

my ($listen, $to, $file, $ms) = @ARGV;
my $s = IO::Socket::INET->new(Listen => 50, ReuseAddr => 1, LocalAddr => $listen) or die "$listen: $!\n";
my $select = IO::Select->new($s);
my (%peer, @late);

$SIG{PIPE} = 'IGNORE';
open my $f, '>', $file or die "$file: $!\n";
print $f $s->sockport, "\n";
close $f;
while (1) {
    # Until the first is due; nothing sleeps longer than it has to.
    my $left = @late ? $late[0][0] - time : undef;
    for my $r ($select->can_read(defined $left && $left < 0 ? 0 : $left)) {
        if ($r == $s) {
            my $c = $s->accept or next;
            my $u = IO::Socket::INET->new($to) or next;
            setsockopt $_, IPPROTO_TCP, TCP_NODELAY, 1 for $c, $u;
            ($peer{$c}, $peer{$u}) = ($u, $c);
            $select->add($c, $u);
            next;
        }
        my $p = $peer{$r} or next; # closed with its peer, a moment ago
        if (!sysread $r, my $bytes, 65536) {
            $select->remove($r, $p);
            delete @peer{$r, $p};
            close $_ for $r, $p;
        } else {
            push @late, [time + $ms / 1000, $p, $bytes];
        }
    }
    while (@late && $late[0][0] <= time) {
        my $l = shift @late;
        syswrite $l->[1], $l->[2] if $l->[1]->opened;
    }
}
