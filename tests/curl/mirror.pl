#!/usr/bin/perl
# mirror.pl PORT-FILE - an upstream that answers with what it was asked: method,
# path and headers as JSON, and as headers "X-Saw: METHOD PATH".  Ends with its
# parent.
#
# The model of a body (or a header X-Play) says what else it plays:
#
#   text    the stream of events it sends as text/plain, 0.4 s apart (an answer
#           that it plays says when it began: X-Began, seconds since 1970)
#   sound   8 KB of audio/mpeg every 0.3 s
#   blank   white space every 0.3 s, then JSON
#   half    a stream that breaks off after two events
#   late    a 400 after a second
#   seq     like half, of the Responses API
use strict;
use warnings;
use IO::Socket::INET;
use Time::HiRes qw(time);

my ($port_file) = @ARGV;
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 128, ReuseAddr => 1)
    or die "$!\n";
my $parent = getppid();
$SIG{CHLD} = 'IGNORE';

sub quoted {
    my ($text) = @_;
    $text =~ s/(["\\])/\\$1/g;
    $text =~ s/[\x00-\x1f]/ /g;
    return "\"$text\"";
}

sub chunk { # chunk SOCKET TEXT
    my ($s, $text) = @_;
    syswrite $s, sprintf("%x\r\n%s\r\n", length $text, $text);
}

sub begin { # begin SOCKET TYPE
    my ($s, $type) = @_;
    syswrite $s, "HTTP/1.1 200 OK\r\n"
        . ($type eq '' ? '' : "Content-Type: $type\r\n")
        . sprintf("X-Began: %.6f\r\n", time)
        . "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
}

sub nap { select undef, undef, undef, $_[0] }

my $word = 'data: {"choices":[{"index":0,"delta":{"content":"w"},"finish_reason":null}]}' . "\n\n";
my $stop = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}' . "\n\n";

sub play { # play SOCKET PLAY: true if that was the answer
    my ($s, $play) = @_;
    if ($play eq 'text') {
        begin($s, 'text/plain');
        for (1 .. 4) { chunk($s, $word); nap(0.4) }
        chunk($s, $stop . "data: [DONE]\n\n");
    } elsif ($play eq 'sound') {
        begin($s, 'audio/mpeg');
        for (1 .. 5) { chunk($s, "\xff\xfb" . 'x' x 8190); nap(0.3) }
    } elsif ($play eq 'blank') {
        begin($s, 'application/json');
        for (1 .. 8) { chunk($s, "\n"); nap(0.3) }
        chunk($s, '{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}');
    } elsif ($play eq 'half') {
        begin($s, 'text/event-stream');
        chunk($s, $word) for 1 .. 2;
        return 1; # without its last chunk
    } elsif ($play eq 'seq') {
        begin($s, 'text/event-stream');
        chunk($s, "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0}\n\n");
        chunk($s, "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\","
            . "\"sequence_number\":1,\"delta\":\"w\"}\n\n");
        return 1;
    } elsif ($play eq 'late') {
        nap(1);
        my $body = '{"error":{"message":"too long","type":"invalid_request_error","param":null,"code":null}}';
        syswrite $s, "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
            . 'Content-Length: ' . length($body) . "\r\nConnection: close\r\n\r\n$body";
        return 1;
    } else {
        return 0;
    }
    syswrite $s, "0\r\n\r\n";
    return 1;
}

sub answer {
    my ($s) = @_;
    my ($in, $head, $body, %headers) = ('', '', '');
    while ($in !~ /\r\n\r\n/) { sysread($s, $in, 65536, length $in) or exit }
    ($head, $body) = split /\r\n\r\n/, $in, 2;
    my ($line, @lines) = split /\r\n/, $head;
    my ($method, $path) = split / /, $line;
    for (@lines) { $headers{lc $1} = $2 if /^([^:]+): *(.*)$/ }
    my $length = $headers{'content-length'} // 0;
    while (length $body < $length) { sysread($s, $body, 65536, length $body) or exit }
    my ($model) = $body =~ /"model": *"([^"]*)"/;
    return if play($s, $headers{'x-play'} // $model // '');
    my $saw = '{"object":"list","data":[],"method":' . quoted($method) . ',"path":' . quoted($path)
        . ',"bytes":' . length($body) . ',"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"headers":{'
        . join(',', map { quoted($_) . ':' . quoted($headers{$_}) } sort keys %headers) . '}}';
    syswrite $s, "HTTP/1.1 " . ($method eq 'PUT' ? '201 Created' : '200 OK') . "\r\n"
        . "Content-Type: application/json\r\nX-Saw: $method $path\r\nX-Request-Id: theirs\r\n"
        . "Content-Disposition: attachment\r\nLocation: $path/7\r\nX-Hop: 1\r\nX-RateLimit-Limit-Tokens: 9\r\n"
        . "Set-Cookie: a=b\r\nX-Sendfile: /etc/passwd\r\nStatus: 500\r\nAccess-Control-Allow-Origin: *\r\n"
        . 'Content-Length: ' . length($saw) . "\r\nConnection: close, X-Hop\r\n\r\n"
        . ($method eq 'HEAD' ? '' : $saw);
}

open(my $f, '>', "$port_file.new") or die "$!\n";
print $f $listener->sockport, "\n";
close $f;
rename "$port_file.new", $port_file;
while (getppid() == $parent) {
    my $ready = '';
    vec($ready, fileno($listener), 1) = 1;
    select($ready, undef, undef, 1) or next;
    my $s = $listener->accept or next;
    my $pid = fork;
    if (defined $pid && $pid == 0) { answer($s); shutdown $s, 1; exit }
    close $s;
}
