#!/usr/bin/perl
# proxy.pl PORT-FILE LOG [USER:PASSWORD] - a proxy, HTTP CONNECT and SOCKS5, that
# lets everything end on this machine, whatever host was asked for.  Its log has a
# line for each: how it was asked, for what, what came of it.
#
# Of a host "refuses...." it says 403, of "fails...." 502.  Ends with its parent.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my ($port_file, $log, $user) = @ARGV;
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64) or die "$!\n";
my $parent = getppid();
$SIG{CHLD} = 'IGNORE';

sub note {
    open(my $f, '>>', $log) or die "$!\n";
    syswrite $f, "@_\n";
}

sub plain { # of base64: with the letters of unpack's own
    my ($text) = @_;
    $text =~ tr#A-Za-z0-9+/##cd;
    $text =~ tr#A-Za-z0-9+/# -_#;
    return unpack 'u', chr(32 + length($text) * 3 / 4) . $text;
}

sub take { # exactly that many bytes
    my ($s, $n) = @_;
    my $got = '';
    while (length $got < $n) {
        sysread($s, $got, $n - length $got, length $got) or exit;
    }
    return $got;
}

sub pass { # both ways, until either ends
    my ($a, $b) = @_;
    my $both = IO::Select->new($a, $b);
    while (1) {
        for my $from ($both->can_read) {
            my $to = $from == $a ? $b : $a;
            sysread($from, my $bytes, 65536) or exit;
            for (my $at = 0; $at < length $bytes;) {
                $at += syswrite($to, $bytes, length($bytes) - $at, $at) || exit;
            }
        }
    }
}

sub way { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $_[0]) }

sub socks {
    my ($c) = @_;
    my (undef, $n) = unpack 'CC', take($c, 2);
    my $offers = take($c, $n);
    if (defined $user) {
        index($offers, "\x02") >= 0 or do { note('SOCKS - refused'); syswrite $c, "\x05\xff"; exit };
        syswrite $c, "\x05\x02";
        my (undef, $len) = unpack 'CC', take($c, 2);
        my $name = take($c, $len);
        my $word = take($c, unpack 'C', take($c, 1));
        my $fine = "$name:$word" eq $user;
        syswrite $c, $fine ? "\x01\x00" : "\x01\x01";
        $fine or do { note('SOCKS - refused'); exit };
    } else {
        syswrite $c, "\x05\x00";
    }
    my (undef, undef, undef, $kind) = unpack 'CCCC', take($c, 4);
    my $host = $kind == 3 ? take($c, unpack 'C', take($c, 1)) : join '.', unpack 'C4', take($c, 4);
    my $port = unpack 'n', take($c, 2);
    my $to = way($port);
    note("SOCKS $host:$port " . ($to ? 'open' : 'failed'));
    syswrite $c, ($to ? "\x05\x00" : "\x05\x05") . "\x00\x01\x7f\x00\x00\x01\x00\x00";
    $to ? pass($c, $to) : exit;
}

sub http {
    my ($c) = @_;
    my $head = '';
    $head .= take($c, 1) while $head !~ /\r\n\r\n\z/;
    my ($method, $host, $port) = $head =~ /\A(\S+) (\S+?):(\d+) /;
    my $status = 200;
    my ($basic) = $head =~ /^Proxy-Authorization: Basic (\S+)\r$/mi;
    $status = 407 if defined $user && (!defined $basic || plain($basic) ne $user);
    $status = 403 if $host =~ /^refuses/ || $method ne 'CONNECT';
    $status = 502 if $host =~ /^fails/;
    $status = 400 if $head =~ /^Authorization:/mi; # that was not for us
    my $to = $status == 200 ? way($port) : undef;
    $status = 503 if $status == 200 && !$to;
    note("$method $host:$port $status");
    syswrite $c, "HTTP/1.1 $status proxy\r\nX-Request-Id: proxy\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
        . ($status == 200 ? '' : "Content-Length: 15\r\n") . "\r\n" . ($status == 200 ? '' : "{\"proxy\":\"says\"}");
    $to ? pass($c, $to) : exit;
}

open(my $f, '>', "$port_file.new") or die "$!\n";
print $f $listener->sockport, "\n";
close $f;
rename "$port_file.new", $port_file;
my $new = IO::Select->new($listener);
while (getppid() == $parent) {
    $new->can_read(0.5) or next;
    my $c = $listener->accept or next;
    next if fork;
    close $listener;
    recv $c, my $first, 1, 2; # MSG_PEEK
    $first eq "\x05" ? socks($c) : http($c);
}
