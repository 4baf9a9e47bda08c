/*
 * report_facts.c - on what does it run, and what does its log complain of?
 *
 * No name of the machine or of a user: what matters is what it is.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <curl/curl.h>
#include <json-c/json.h>
#include <openssl/crypto.h>

#include "ctl/ctl.h"
#include "ctl/disguise.h"
#include "ctl/report.h"

#define LOG_TAIL  (512 << 10) /* bytes of it that are looked at */
#define LOG_LINES 60

/* ---- versions ------------------------------------------------------------------ */

/* Those that we are linked with; the workers' own version is in their status. */
void report_versions(FILE *to)
{
    fprintf(to, "sluicectl %s\n%s\njson-c %s\n%s\n", SLUICE_VERSION,
            curl_version(), json_c_version(), OpenSSL_version(OPENSSL_VERSION));
}

/* ---- the machine ------------------------------------------------------------------ */

/* What stands behind KEY in a file of lines "KEY=VALUE" or "KEY: VALUE". */
static void put_line_of(FILE *to, const char *path, const char *key,
                        const char *label)
{
    char line[256];
    const char *p;
    FILE *f = fopen(path, "re");
    size_t n = strlen(key);

    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, key, n) != 0)
            continue;
        p = line + n + strspn(line + n, " \t=:\"");
        fprintf(to, "%s: %.*s\n", label, (int)strcspn(p, "\"\n"), p);
        break;
    }
    if (f != NULL)
        fclose(f);
}

/* By the magic numbers of statfs(2): the state wants a local file system (flock,
 * a shared mapping), best a tmpfs. */
static const char *kind_of(const struct statfs *f)
{
    switch ((unsigned long)f->f_type) {
    case 0x01021994UL:
        return "tmpfs";
    case 0xef53UL:
        return "ext";
    case 0x794c7630UL:
        return "overlay";
    case 0x6969UL:
        return "nfs: not a file system for it";
    case 0x58465342UL:
        return "xfs";
    case 0x9123683eUL:
        return "btrfs";
    default:
        return "another";
    }
}

/* Who may enter it, and whether it is full: two faults that look like many. */
static void put_state_dir(FILE *to, const char *dir)
{
    struct statfs f;
    struct stat st;

    if (dir[0] == '\0' || stat(dir, &st) == -1 || statfs(dir, &f) == -1) {
        fputs("state directory: not on this machine, or out of reach\n", to);
        return;
    }
    fprintf(
        to,
        "state directory: mode %03o, %s, %s, file system %s, %llu MB free\n",
        (unsigned)(st.st_mode & 0777), st.st_uid == 0 ? "root's" : "a user's",
        st.st_uid == geteuid() ? "ours" : "not ours", kind_of(&f),
        (unsigned long long)f.f_bavail * (unsigned long long)f.f_bsize >> 20);
}

/* What differs from one machine to the next and has been a cause before: kernel,
 * memory, descriptors, who runs it, where the state lies. */
void report_machine(FILE *to, const char *state_dir)
{
    struct utsname u;
    struct rlimit files;
    double load[3] = {0, 0, 0};

    if (uname(&u) == 0)
        fprintf(to, "system: %s %s %s\n", u.sysname, u.release, u.machine);
    put_line_of(to, "/etc/os-release", "PRETTY_NAME", "distribution");
    put_line_of(to, "/proc/meminfo", "MemTotal", "memory");
    put_line_of(to, "/proc/meminfo", "MemAvailable", "memory available");
    (void)getloadavg(load, 3);
    fprintf(to, "processors: %ld, load %.2f %.2f %.2f\n",
            sysconf(_SC_NPROCESSORS_ONLN), load[0], load[1], load[2]);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        fprintf(to, "descriptors: %llu, at most %llu\n",
                (unsigned long long)files.rlim_cur,
                (unsigned long long)files.rlim_max);
    fprintf(to, "container: %s\n",
            access("/.dockerenv", F_OK) == 0 ||
                    access("/run/.containerenv", F_OK) == 0
                ? "yes"
                : "not known to be one");
    fprintf(to, "user: %s\n", geteuid() == 0 ? "root" : "not root");
    put_state_dir(to, state_dir);
}

/* ---- the log ------------------------------------------------------------------------- */

/* The end of the file, from the first whole line on; the caller's. */
static char *tail_of(const char *path)
{
    FILE *f = fopen(path, "re");
    char *text = NULL;
    size_t n;
    long size;

    if (f == NULL)
        return NULL;
    if (fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) >= 0) {
        (void)fseek(f, size > LOG_TAIL ? size - LOG_TAIL : 0, SEEK_SET);
        text = calloc(1, LOG_TAIL + 1);
        CHECK(text != NULL);
        n = fread(text, 1, LOG_TAIL, f);
        text[n] = '\0';
    }
    fclose(f);
    return text;
}

/* A warning, an error, or a request that ended as one. */
static bool is_trouble(struct json_object *o)
{
    const char *level = json_object_get_string(call_at(o, "level"));

    return level == NULL || strcmp(level, "warn") == 0 ||
           strcmp(level, "error") == 0 ||
           json_object_get_int(call_at(o, "status")) >= 400;
}

/* A message is in the object as well, as its length: the words come behind it. */
static void put_line(struct disguise *d, FILE *to, char *line)
{
    struct json_object *o = line[0] == '{' ? json_tokener_parse(line) : NULL;
    const char *message = json_object_get_string(call_at(o, "message"));

    if (o == NULL) { /* the web server's own */
        disguise_line(to, line);
    } else {
        disguise_json(d, to, "log", o, 2);
        if (message != NULL) {
            fputs(" message: ", to);
            disguise_line(to, message);
        }
    }
    fputc('\n', to);
    json_object_put(o);
}

/* The last ones in a ring: the latest fault is what is asked about. */
void report_log(struct disguise *d, FILE *to, const char *path)
{
    char *text = tail_of(path), *line, *save = NULL;
    char *lines[LOG_LINES];
    size_t i, n = 0;

    if (text == NULL) {
        fputs(
            "the log is not in the state directory: it may be in the journal, "
            "or where the settings say\n",
            to);
        return;
    }
    for (line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        struct json_object *o =
            line[0] == '{' ? json_tokener_parse(line) : NULL;

        if (o == NULL || is_trouble(o))
            lines[n++ % LOG_LINES] = line;
        json_object_put(o);
    }
    fprintf(to, "%zu lines of trouble; the last of them:\n", n);
    for (i = n > LOG_LINES ? n - LOG_LINES : 0; i < n; i++)
        put_line(d, to, lines[i % LOG_LINES]);
    explicit_bzero(text, LOG_TAIL);
    free(text);
}
