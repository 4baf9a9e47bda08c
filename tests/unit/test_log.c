/*
 * Log lines as a reader meets them: every test writes to a file, a FIFO or a
 * borrowed standard error of its own and parses what has arrived.
 */
#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

#include "unit.h"

#define TEXT_MAX 65536

/* A directory with a log in it. */
struct place {
    char dir[32], path[48];
    struct log *log;
};

static void place_open(struct place *p, enum log_level level, int fifo)
{
    memset(p, 0, sizeof(*p));
    (void)snprintf(p->dir, sizeof(p->dir), "/tmp/sluice-log-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(p->dir));
    (void)snprintf(p->path, sizeof(p->path), "%s/log", p->dir);
    if (!fifo)
        CU_ASSERT_EQUAL_FATAL(log_open(&p->log, p->path, level), 0);
}

static void place_close(struct place *p)
{
    log_close(p->log);
    (void)unlink(p->path);
    CU_ASSERT_EQUAL(rmdir(p->dir), 0);
}

/* The bytes of PATH; the caller frees them. */
static char *bytes_of(const char *path)
{
    char *text = calloc(1, TEXT_MAX);
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    CU_ASSERT_NOT_EQUAL_FATAL(fd, -1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_TRUE(read(fd, text, TEXT_MAX - 1) >= 0);
    close(fd);
    return text;
}

/* The first line of TEXT as an object; fails where it is not exactly one. */
static struct json_object *object_of(const char *text)
{
    size_t len = strcspn(text, "\n");
    struct json_tokener *tok = json_tokener_new();
    struct json_object *o;

    CU_ASSERT_EQUAL(text[len], '\n');
    CU_ASSERT_TRUE(len < LOG_LINE_MAX);
    /* Not strict: json-c 0.18 takes letters beyond ASCII for an error. */
    o = json_tokener_parse_ex(tok, text, (int)len);
    CU_ASSERT_EQUAL(json_tokener_get_error(tok), json_tokener_success);
    CU_ASSERT_EQUAL(json_tokener_get_parse_end(tok), len);
    CU_ASSERT_PTR_NOT_NULL_FATAL(o);
    json_tokener_free(tok);
    return o;
}

static const char *member(struct json_object *o, const char *key)
{
    struct json_object *value = json_object_object_get(o, key);

    return value != NULL ? json_object_get_string(value) : "(none)";
}

static void a_line_tells_when_what_and_who(void)
{
    struct json_object *o;
    struct log_line line;
    struct place p;
    char *text;
    int y, mo, d, h, mi, s, ms, end = 0;

    place_open(&p, LOG_INFO_, 0);
    log_begin(&line, p.log, LOG_WARN_, "test");
    log_str(&line, "model", "meta/llama");
    log_str(&line, "client", NULL);
    log_int(&line, "queue_ms", INT64_MIN);
    log_bool(&line, "stream", 1);
    log_end(&line);
    o = object_of(text = bytes_of(p.path));
    CU_ASSERT_EQUAL(sscanf(member(o, "ts"), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n",
                           &y, &mo, &d, &h, &mi, &s, &ms, &end),
                    7);
    CU_ASSERT_EQUAL(end, 24);
    CU_ASSERT_STRING_EQUAL(member(o, "level"), "warn");
    CU_ASSERT_STRING_EQUAL(member(o, "event"), "test");
    CU_ASSERT_EQUAL(strtoll(member(o, "pid"), NULL, 10), getpid());
    CU_ASSERT_STRING_EQUAL(member(o, "model"), "meta/llama");
    CU_ASSERT_STRING_EQUAL(member(o, "queue_ms"), "-9223372036854775808");
    CU_ASSERT_STRING_EQUAL(member(o, "stream"), "true");
    CU_ASSERT_EQUAL(json_object_object_length(o), 7);
    json_object_put(o);
    free(text);
    place_close(&p);
}

static void lines_below_the_level_are_not_written(void)
{
    struct log_line line;
    struct place p;
    char *text;

    place_open(&p, LOG_WARN_, 0);
    log_say(p.log, LOG_INFO_, "quiet", "%d", 1);
    log_say(NULL, LOG_ERROR_, "nowhere", "%d", 2);
    log_begin(&line, p.log, LOG_DEBUG_, "quiet");
    log_str(&line, "key", "value");
    log_int(&line, "key", 1);
    log_bool(&line, "key", 1);
    log_end(&line);
    text = bytes_of(p.path);
    CU_ASSERT_STRING_EQUAL(text, "");
    free(text);
    place_close(&p);
}

static const struct {
    const char *given, *written;
} texts[] = {
    {"plain", "\"v\":\"plain\"}"},
    {"", "\"v\":\"\"}"},
    {"say \"hi\" \\", "\"v\":\"say \\\"hi\\\" \\\\\"}"},
    {"a\nb\tc\x1b[2J\r", "\"a\\u000ab\\u0009c\\u001b[2J\\u000d\""},
    {"del\x7f csi\xc2\x9b.", "\"del\\u007f csi\\u009b.\""},
    {"rtl\xe2\x80\xae line\xe2\x80\xa8.", "\"rtl\\u202e line\\u2028.\""},
    {"\xc2\xa0\xc3\xbc\xe4\xbd\xa0\xf0\x9f\x98\x80",
     "\"\xc2\xa0\xc3\xbc\xe4\xbd\xa0\xf0\x9f\x98\x80\""},
    {"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf",
     "\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\""},
    {"x\xffy", "\"x\xef\xbf\xbdy\""},
    {"\x80", "\"\xef\xbf\xbd\""},
    {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
    {"\xc1\xbf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
    {"\xe0\x9f\xbf", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    {"\xf0\x8f\xbf\xbf", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xf5", "\"\xef\xbf\xbd\""},
    {"cut \xe4\xbd", "\"cut \xef\xbf\xbd\xef\xbf\xbd\""},
    {"\xe4\xbd\"", "\"\xef\xbf\xbd\xef\xbf\xbd\\\"\""},
};

static void hostile_text_is_escaped_and_utf8_passes(void)
{
    struct log_line line;
    struct place p;
    char *text;
    size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        place_open(&p, LOG_INFO_, 0);
        log_begin(&line, p.log, LOG_INFO_, "test");
        log_str(&line, "v", texts[i].given);
        log_end(&line);
        text = bytes_of(p.path);
        json_object_put(object_of(text));
        if (strstr(text, texts[i].written) == NULL) {
            printf("\n    row %zu gave %s", i, text);
            CU_FAIL("text differs");
        }
        free(text);
        place_close(&p);
    }
}

/* PREFIX bytes of "a", then one euro sign (three bytes), then REST of "b". */
static void check_cut(size_t prefix, size_t rest, const char *tail)
{
    char value[1024] = "", wanted[1024];
    struct json_object *o;
    struct place p;
    char *text;

    memset(value, 'a', prefix);
    memcpy(value + prefix, "\xe2\x82\xac", 3);
    memset(value + prefix + 3, 'b', rest);
    memset(wanted, 'a', prefix);
    (void)snprintf(wanted + prefix, sizeof(wanted) - prefix, "%s", tail);
    place_open(&p, LOG_INFO_, 0);
    log_say(p.log, LOG_INFO_, "test", "%s", value);
    o = object_of(text = bytes_of(p.path));
    CU_ASSERT_STRING_EQUAL(member(o, "message"), wanted);
    json_object_put(o);
    free(text);
    place_close(&p);
}

static void a_long_value_is_cut_between_characters(void)
{
    check_cut(LOG_TEXT_MAX - 3, 0, "\xe2\x82\xac");
    check_cut(LOG_TEXT_MAX - 3, 1, "\xe2\x82\xac...");
    check_cut(LOG_TEXT_MAX - 2, 0, "...");
    check_cut(LOG_TEXT_MAX - 1, 300, "...");
    check_cut(LOG_TEXT_MAX, 300, "...");
}

static void a_full_line_leaves_fields_out_and_stays_whole(void)
{
    struct json_object *o;
    struct log_line line;
    char value[LOG_TEXT_MAX + 1] = "", *text;
    struct place p;
    size_t n, i;

    for (n = 1; n <= LOG_TEXT_MAX; n++) {
        memset(value, n % 3 == 0 ? '\x01' : n % 3 == 1 ? '"' : '\xff', n);
        place_open(&p, LOG_INFO_, 0);
        log_begin(&line, p.log, LOG_INFO_, value);
        for (i = 0; i < 20; i++)
            log_str(&line, "fill", value);
        log_str(&line, "long", value);
        log_str(&line, "longer", value);
        log_int(&line, "last", 7);
        CU_ASSERT_TRUE(line.len <= LOG_LINE_MAX);
        log_end(&line);
        text = bytes_of(p.path);
        CU_ASSERT_TRUE(strlen(text) <= LOG_LINE_MAX);
        o = object_of(text);
        CU_ASSERT_STRING_NOT_EQUAL(member(o, "pid"), "(none)");
        json_object_put(o);
        free(text);
        place_close(&p);
    }
}

/* Writes lines to LOG until one is lost, then tells how many got through. */
static int fill(struct log *log, int reader)
{
    char text[TEXT_MAX], *p;
    ssize_t n;
    int lines = 0, i;

    for (i = 0; i < 4000; i++) /* at least 64 bytes each: a pipe has 64 KB */
        log_say(log, LOG_INFO_, "fill", "%04d", i);
    while ((n = read(reader, text, sizeof(text) - 1)) > 0)
        for (text[n] = '\0', p = text; (p = strchr(p, '\n')) != NULL; p++)
            lines++;
    CU_ASSERT_EQUAL(errno, EAGAIN);
    CU_ASSERT_TRUE(lines > 0 && lines < 4000);
    return lines;
}

static void check_the_next_line(struct log *log, int reader, int lost)
{
    char text[TEXT_MAX] = "";
    struct json_object *o;

    log_say(log, LOG_INFO_, "after", "again");
    log_say(log, LOG_INFO_, "after", "and again");
    CU_ASSERT_TRUE(read(reader, text, sizeof(text) - 1) > 0);
    o = object_of(text);
    CU_ASSERT_STRING_EQUAL(member(o, "message"), "again");
    CU_ASSERT_EQUAL(strtoll(member(o, "dropped"), NULL, 10), lost);
    json_object_put(o);
    o = object_of(strchr(text, '\n') + 1);
    CU_ASSERT_STRING_EQUAL(member(o, "dropped"), "(none)");
    json_object_put(o);
}

static void a_full_fifo_drops_lines_and_counts_them(void)
{
    struct place p;
    int reader;

    place_open(&p, LOG_INFO_, 1);
    CU_ASSERT_EQUAL(mkfifo(p.path, 0600), 0);
    CU_ASSERT_EQUAL(log_open(&p.log, p.path, LOG_INFO_), -1);
    CU_ASSERT_EQUAL(errno, ENXIO); /* nobody reads: refused, not waited for */
    CU_ASSERT_PTR_NULL(p.log);
    reader = open(p.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    CU_ASSERT_EQUAL_FATAL(log_open(&p.log, p.path, LOG_INFO_), 0);
    check_the_next_line(p.log, reader, 4000 - fill(p.log, reader));
    close(reader);
    place_close(&p);
}

static void a_full_standard_error_drops_lines_and_keeps_its_flags(void)
{
    int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3), ends[2], flags;
    struct log *log = NULL;

    CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    flags = fcntl(ends[1], F_GETFL);
    CU_ASSERT_NOT_EQUAL(dup2(ends[1], STDERR_FILENO), -1);
    CU_ASSERT_EQUAL(log_open(&log, NULL, LOG_INFO_), 0);
    /* Would hang here if it wrote to a full pipe. */
    check_the_next_line(log, ends[0], 4000 - fill(log, ends[0]));
    CU_ASSERT_EQUAL(fcntl(ends[1], F_GETFL), flags);
    CU_ASSERT_EQUAL(log_reopen(log), 0);
    log_close(log);
    CU_ASSERT_NOT_EQUAL(fcntl(STDERR_FILENO, F_GETFD), -1);
    (void)dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[0]);
    close(ends[1]);
}

static void a_full_disk_spoils_no_later_line(void)
{
    struct rlimit old, tight;
    struct json_object *o;
    struct place p;
    char *text, *second;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);

    place_open(&p, LOG_INFO_, 0);
    (void)getrlimit(RLIMIT_FSIZE, &old);
    tight = old;
    tight.rlim_cur = 20; /* bytes: the first line is torn there */
    (void)setrlimit(RLIMIT_FSIZE, &tight);
    log_say(p.log, LOG_INFO_, "torn", "one");
    log_say(p.log, LOG_INFO_, "lost", "two");
    (void)setrlimit(RLIMIT_FSIZE, &old);
    (void)signal(SIGXFSZ, handler);
    log_say(p.log, LOG_INFO_, "fine", "three");
    text = bytes_of(p.path);
    CU_ASSERT_EQUAL(strcspn(text, "\n"), 20);
    second = strchr(text, '\n');
    CU_ASSERT_PTR_NOT_NULL_FATAL(second);
    o = object_of(second + 1);
    CU_ASSERT_STRING_EQUAL(member(o, "event"), "fine");
    CU_ASSERT_STRING_EQUAL(member(o, "dropped"), "2");
    json_object_put(o);
    free(text);
    place_close(&p);
}

/* ---- lines that wait -------------------------------------------------------- */

static void say_later(struct log *log, const char *event)
{
    struct log_line line;

    log_begin(&line, log, LOG_INFO_, event);
    log_end_later(&line);
}

/* How many lines TEXT has; fails where one of them is no object. */
static size_t whole_lines(char *text)
{
    char *line, *rest = NULL;
    size_t n = 0;

    for (line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest), n++) {
        struct json_object *o = json_tokener_parse(line);

        CU_ASSERT_TRUE(json_object_is_type(o, json_type_object));
        json_object_put(o);
    }
    return n;
}

static void what_waits_goes_with_the_next(void)
{
    char *text, *now;
    struct place p;

    place_open(&p, LOG_INFO_, 0);
    say_later(p.log, "first");
    say_later(p.log, "second");
    text = bytes_of(p.path);
    CU_ASSERT_STRING_EQUAL(text, "");
    CU_ASSERT_TRUE(log_waits(p.log));
    free(text);
    log_say(p.log, LOG_INFO_, "now", "at once");
    text = bytes_of(p.path);
    CU_ASSERT_FALSE(log_waits(p.log));
    now = strstr(text, "\"now\"");
    CU_ASSERT_TRUE(now != NULL && strstr(text, "\"second\"") < now);
    CU_ASSERT_EQUAL(whole_lines(text), 3);
    free(text);
    say_later(p.log, "third");
    log_flush(p.log);
    text = bytes_of(p.path);
    CU_ASSERT_EQUAL(whole_lines(text), 4);
    free(text);
    say_later(p.log, "at the end");
    log_close(p.log);
    p.log = NULL;
    text = bytes_of(p.path);
    CU_ASSERT_EQUAL(whole_lines(text), 5);
    free(text);
    place_close(&p);
}

/* More than it has room for, so that some leave by themselves. */
static void many_wait_in_bounds(void)
{
    char *text;
    struct place p;
    int i;

    place_open(&p, LOG_INFO_, 0);
    for (i = 0; i < 300; i++)
        say_later(p.log, "one of many");
    text = bytes_of(p.path);
    CU_ASSERT_TRUE(strlen(text) > 0 && text[strlen(text) - 1] == '\n');
    free(text);
    log_flush(p.log);
    text = bytes_of(p.path);
    CU_ASSERT_EQUAL(whole_lines(text), 300);
    free(text);
    place_close(&p);
}

/* What waits is more than a pipe has room for: what goes in is whole. */
static void a_pipe_gets_whole_lines(void)
{
    static char text[TEXT_MAX + 1];
    struct place p;
    int reader, writer, i;
    ssize_t n;

    place_open(&p, LOG_INFO_, 1);
    CU_ASSERT_EQUAL(mkfifo(p.path, 0600), 0);
    reader = open(p.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    writer = open(p.path, O_WRONLY | O_CLOEXEC);
    CU_ASSERT_EQUAL_FATAL(log_open(&p.log, p.path, LOG_INFO_), 0);
    for (i = 0; i < 15; i++) /* of 16 pages */
        CU_ASSERT_EQUAL(write(writer, text, 4096), 4096);
    for (i = 0; i < 100; i++)
        say_later(p.log, "through a pipe");
    log_flush(p.log);
    CU_ASSERT_EQUAL(read(reader, text, 15 * 4096L), 15 * 4096L);
    n = read(reader, text, TEXT_MAX);
    CU_ASSERT_TRUE_FATAL(n > 3000 && n <= 4096);
    text[n] = '\0';
    CU_ASSERT_EQUAL(text[n - 1], '\n');
    CU_ASSERT_TRUE(whole_lines(text) < 100);
    close(writer);
    close(reader);
    place_close(&p);
}

static void those_that_wait_and_are_lost_are_counted(void)
{
    struct rlimit old, tight;
    struct json_object *o;
    struct place p;
    char *text;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);

    place_open(&p, LOG_INFO_, 0);
    (void)getrlimit(RLIMIT_FSIZE, &old);
    tight = old;
    tight.rlim_cur = 20; /* bytes: the first line is torn there */
    say_later(p.log, "torn");
    say_later(p.log, "lost");
    (void)setrlimit(RLIMIT_FSIZE, &tight);
    log_flush(p.log);
    (void)setrlimit(RLIMIT_FSIZE, &old);
    (void)signal(SIGXFSZ, handler);
    say_later(p.log, "fine"); /* it tells it, so it does not wait */
    text = bytes_of(p.path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(strchr(text, '\n'));
    o = object_of(strchr(text, '\n') + 1);
    CU_ASSERT_STRING_EQUAL(member(o, "event"), "fine");
    CU_ASSERT_STRING_EQUAL(member(o, "dropped"), "2");
    json_object_put(o);
    free(text);
    place_close(&p);
}

static void reopening_follows_the_path_after_a_rotation(void)
{
    char rotated[64], *text;
    struct place p;

    place_open(&p, LOG_INFO_, 0);
    (void)snprintf(rotated, sizeof(rotated), "%s.1", p.path);
    CU_ASSERT_EQUAL(rename(p.path, rotated), 0);
    log_say(p.log, LOG_INFO_, "old", "still there");
    CU_ASSERT_EQUAL(log_reopen(p.log), 0);
    log_say(p.log, LOG_INFO_, "new", "here");
    text = bytes_of(rotated);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"old\""));
    CU_ASSERT_PTR_NULL(strstr(text, "\"new\""));
    free(text);
    text = bytes_of(p.path);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"new\""));
    free(text);
    (void)unlink(rotated);
    place_close(&p);
}

static void a_failed_reopening_keeps_the_old_file(void)
{
    char rotated[64], *text;
    struct place p;

    place_open(&p, LOG_INFO_, 0);
    (void)snprintf(rotated, sizeof(rotated), "%s.1", p.path);
    CU_ASSERT_EQUAL(rename(p.path, rotated), 0);
    CU_ASSERT_EQUAL(mkdir(p.path, 0700), 0);
    CU_ASSERT_EQUAL(log_reopen(p.log), -1);
    CU_ASSERT_EQUAL(errno, EISDIR);
    log_say(p.log, LOG_INFO_, "old", "still there");
    text = bytes_of(rotated);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"old\""));
    free(text);
    (void)unlink(rotated);
    (void)rmdir(p.path);
    place_close(&p);
}

static const struct unit_test tests[] = {
    {"a line tells when, what and who", a_line_tells_when_what_and_who},
    {"lines below the level are not written",
     lines_below_the_level_are_not_written},
    {"hostile text is escaped and UTF-8 passes",
     hostile_text_is_escaped_and_utf8_passes},
    {"a long value is cut between characters",
     a_long_value_is_cut_between_characters},
    {"a full line leaves fields out and stays whole",
     a_full_line_leaves_fields_out_and_stays_whole},
    {"what waits goes with the next, in its order",
     what_waits_goes_with_the_next},
    {"many wait in bounds", many_wait_in_bounds},
    {"a pipe gets whole lines, also of many", a_pipe_gets_whole_lines},
    {"those that wait and are lost are counted",
     those_that_wait_and_are_lost_are_counted},
    {"a full FIFO drops lines and counts them",
     a_full_fifo_drops_lines_and_counts_them},
    {"a full standard error drops lines and keeps its flags",
     a_full_standard_error_drops_lines_and_keeps_its_flags},
    {"a full disk spoils no later line", a_full_disk_spoils_no_later_line},
    {"reopening follows the path after a rotation",
     reopening_follows_the_path_after_a_rotation},
    {"a failed reopening keeps the old file",
     a_failed_reopening_keeps_the_old_file},
    {NULL, NULL},
};

CU_ErrorCode test_log_add(void)
{
    return unit_add("log", tests);
}
