/* Mirrors fcgi/config/settings.c, values.c and setting_text.c: what is refused, and in which
 * words. */
#include "fcgi/config/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fcgi/config/bounds.h"
#include "fcgi/config/config.h"
#include "given.h"
#include "unit.h"

static const struct {
    const char *json, *wanted;
} bad_files[] = {
    /* not a file of ours at all */
    {"", "line 1"},
    {"{\n'drain_s': 1,\n}", "line 2, column 13: a comma too many"},
    {"{'drain_s': 1} x", "line 1, column 16: the object has ended here, and "
                         "'x' stands behind it"},
    {"{'drain_s': 1", "line 1, column 14: it ends too early"},
    {"{'drain_s': 1} {}", "the object has ended here"},
    {"{'drain_s': 1,\n 'queue': {'max': 2,}}", "line 2, column 20: a comma "
                                               "too many: behind the last "
                                               "item, before }"},
    {"{'log': 'ä',}", "line 1, column 12: a comma too many"},
    {"{'hosts': ['a', ]}", "column 15: a comma too many: behind the last "
                           "item, before ]"},
    {"{'drain_s' 1}", "column 12: there must be a colon behind the key, and "
                      "not '1'"},
    {"{'drain_s': 1 'log': 2}", "there must be a comma, or } at the end of "
                                "the object, and not"},
    {"{'hosts': ['a' 'b']}", "there must be a comma, or ] at the end"},
    {"{drain_s: 1}", "column 2: there must be a key in double quotes, and not "
                     "'d'"},
    {"{'drain_s': yes}", "there must be a value"},
    {"[]", "one JSON object"},
    {"null", "one JSON object"},
    {"/* c */ {}", "line 1, column 1: '/' begins no comment here"},
    {"# c\n{}", "'#' begins no comment here"},
    {"{'log': '/\xff'}", "line 1"},
    {"{'//':[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}", "nesting too deep"},
    /* unknown, misplaced, twice */
    {"{'drain': 1}", "drain: unknown key; the nearest known one is drain_s"},
    {"{'queu': {}}", "queu: unknown key; the nearest known one is queue.max"},
    {"{'upstream': []}", "the nearest known one is upstreams"},
    {"{'queue': {'maxx': 1}}", "queue.maxx: unknown key; the nearest known "
                               "one is queue.max"},
    {"{'queue': {'max': {}}}", "queue.max: {} is refused"},
    {"{'queue': {'queue': {}}}", "queue.queue: unknown key"},
    {"{'queue.max': 1}", "queue.max: unknown key; what is before a dot"},
    {"{'requests': 1}", "requests: unknown key; the nearest known one is "
                        "upstreams[].requests"},
    {"{'client': []}", "client: unknown key; the nearest known one is clients"},
    {"{'sharing': {}}", "sharing: unknown key"},
    {"{'': 1}", "unknown key"},
    {"{'/': 1}", "unknown key"},
    {"{'a\\u0007\\n': 1}", "a??: unknown key"},
    {"{'upstreams': [{'api_key': '" CANARY "'}]}",
     "upstreams.nim.api_key: unknown key; the nearest known one is "
     "api_path"},
    {"{'upstreams': [{'drain_s': 1}]}", "upstreams.nim.drain_s: unknown key"},
    {"{'drain_s': 1, 'queue': {'max': 1}, 'drain_s': 2}", "\"drain_s\" is "
                                                          "given twice"},
    {"{'upstreams':[{'requests':1,'models':['a'],'requests':2}]}",
     "\"requests\" is given twice"},
    /* wrong types */
    {"{'queue': 5}", "queue: must be an object"},
    {"{'queue': null}", "queue: must be an object"},
    {"{'queue': {'max': '40'}}", "queue.max: \"40\" is refused; must be a "
                                 "whole number from 1 to 4096"},
    {"{'queue': {'max': true}}", "queue.max: true is refused"},
    {"{'queue': {'max': null}}", "queue.max: null is refused"},
    {"{'queue': {'max': [1]}}", "queue.max"},
    {"{'buffered_keepalive': 1}", "buffered_keepalive: 1 is refused; must be "
                                  "true or false"},
    {"{'buffered_keepalive': 'true'}", "buffered_keepalive"},
    {"{'anonymous': 0}", "one of loopback, private, any, no"},
    {"{'hosts': 'a'}", "hosts: \"a\" is refused; must be a list"},
    {"{'hosts': null}", "hosts: null is refused"},
    {"{'hosts': ['a', 1]}", "hosts: an entry is not a text"},
    {"{'state_dir': null}", "state_dir: null is refused"},
    {"{'log': 1}", "log: 1 is refused; must be an absolute path"},
    /* numbers */
    {"{'queue': {'max': 0}}", "queue.max: 0 is refused"},
    {"{'queue': {'max': -1}}", "queue.max: -1 is refused"},
    {"{'queue': {'max': 4097}}", "queue.max: 4097 is refused"},
    {"{'queue': {'max': 40.5}}", "queue.max: 40.5 is refused"},
    {"{'queue': {'max': NaN}}", "queue.max: NaN is refused"},
    {"{'queue': {'max': -Infinity}}", "queue.max: -Infinity is refused"},
    {"{'queue': {'max': 1e400}}", "queue.max"},
    {"{'queue': {'max_mb': 1.5}}", "queue.max_mb: 1.5 is refused; must be a "
                                   "whole number of MB from 1 to 65536"},
    {"{'queue': {'timeout_s': 0}}", "a number of seconds from 0.1 to 86400"},
    {"{'drain_s': 0.0001}", "drain_s: 0.0001 is refused"},
    {"{'drain_s': 1.0005}", "drain_s: 1.0005 is refused"},
    {"{'upstreams': [{'window_s': 0}]}", "upstreams.nim.window_s: 0 is "
                                         "refused"},
    {"{'upstreams': [{'name': 'a', 'requests': 10001}]}",
     "upstreams.a.requests: 10001 is refused"},
    /* texts */
    {"{'state_dir': 'run'}", "state_dir: it is relative; must be an absolute"},
    {"{'state_dir': ''}", "state_dir: it is empty"},
    {"{'data_dir': '/a\\u0000b'}", "data_dir"},
    {"{'data_dir': '/a\\nb'}", "data_dir: it has a control character"},
    {"{'data_dir': '/a\\u007f'}", "data_dir: it has a control character"},
    {"{'log_level': 'INFO'}", "log_level: must be one of debug, info, "
                              "warn, error"},
    {"{'admin': {'read': '" CANARY "'}}", "admin.read: must be one of"},
    {"{'admin': {'read': 'no'}}", "admin.read: must be one of loopback"},
    {"{'hosts': ['a b']}", "hosts: an entry is not a bare host name"},
    {"{'hosts': ['a:80']}", "hosts: an entry"},
    {"{'hosts': ['http://a']}", "hosts: an entry"},
    {"{'hosts': ['']}", "hosts: it is empty or has an empty entry"},
    {"{'origins': ['a.example']}", "origins: an entry is not scheme://host"},
    {"{'origins': ['https://a.example/']}", "origins: an entry"},
    {"{'origins': ['https://']}", "origins: an entry"},
    {"{'origins': ['*']}", "origins: a star alone is every page"},
    {"{'origins': ['https://*']}", "origins: a star for every host"},
    {"{'trusted_proxies': ['10.0.0.1/8']}",
     "trusted_proxies: an entry has a bit set behind its prefix"},
    {"{'trusted_proxies': ['0.0.0.0/0']}", "trusted_proxies: an entry with /0"},
    {"{'trusted_proxies': ['localhost']}",
     "trusted_proxies: an entry is neither an address nor ADDRESS/BITS; must "
     "be a list of at most 64: ADDRESS, ADDRESS/BITS, loopback, private"},
    {"{'trusted_proxies': 'loopback'}",
     "is refused; must be a list of at most"},
    {"{'client_header': 'X User'}", "client_header: it is not the name"},
    {"{'client_header': ''}", "client_header: it is empty"},
    {"{'client_header': 'authorization'}", "client_header: what it holds is "
                                           "secret"},
    /* upstreams */
    {"{'upstreams': {}}", "upstreams: must be a list"},
    {"{'upstreams': null}", "upstreams: must be a list"},
    {"{'upstreams': []}", "upstreams: has 0; must be a list of 1 to 16"},
    {"{'upstreams': [{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}]}",
     "upstreams: has 17"},
    {"{'upstreams': [1]}", "upstreams[0]: must be an object"},
    {"{'upstreams': [{'name': 'NIM'}]}", "upstreams[0].name: must be 1 to 31"},
    {"{'upstreams': [{'name': ''}]}", "upstreams[0].name"},
    {"{'upstreams': [{'name': 'a.b'}]}", "upstreams[0].name"},
    {"{'upstreams': [{'name': 'abcdefghijklmnopqrstuvwxyz012345'}]}",
     "upstreams[0].name"},
    {"{'upstreams': [{'models':['a']},{}]}", "upstreams[1].name: nim is taken "
                                             "by upstreams[0]"},
    {"{'upstreams': [{'weight': 0}]}", "upstreams.nim.weight: 0 is refused; "
                                       "must be a whole number from 1 to 1000"},
    {"{'upstreams': [{'weight': 1001}]}", "upstreams.nim.weight: 1001"},
    {"{'upstreams': [{'cost': -1}]}", "upstreams.nim.cost: -1 is refused"},
    {"{'upstreams': [{'cost': 1000000001}]}", "upstreams.nim.cost: 1000000001"},
    {"{'upstreams': [{'tokens_per_min': 2000000001}]}",
     "upstreams.nim.tokens_per_min: 2000000001 is refused"},
    {"{'upstreams': [{'tokens_counted': 'all'}]}",
     "upstreams.nim.tokens_counted: must be one of both, in, out"},
    {"{'upstreams': [{'thinking': 'yes'}]}",
     "upstreams.nim.thinking: must be one of auto, template, effort, off"},
    {"{'upstreams': [{'reasoning_field': 'thought'}]}",
     "must be one of none, reasoning_content, reasoning"},
    {"{'upstreams': [{'prefill': 1}]}",
     "upstreams.nim.prefill: 1 is refused; must be true or false"},
    {"{'upstreams': [{'max_tokens': 10000001}]}",
     "upstreams.nim.max_tokens: 10000001 is refused"},
    {"{'prefer': 'best'}", "prefer: must be one of soonest, cheapest, first"},
    {"{'prefer_within_s': 3601}", "prefer_within_s: 3601 is refused"},
    {"{'affinity_s': -1}", "affinity_s: -1 is refused"},
    {"{'usage': 'yes'}", "usage: must be one of auto, always, never"},
    /* models in place of others */
    {"{'fallbacks': ['a=b']}", "fallbacks: [\"a=b\"] is refused; must be an "
                               "object of at most 64 models, each with a list "
                               "of 1 to 8 others"},
    {"{'model_alias': ['a=b']}",
     "model_alias: [\"a=b\"] is refused; must be an "
     "object of at most 64 patterns"},
    {"{'model_alias': {'a': ['b']}}", "model_alias: a pattern or model has"},
    {"{'model_alias': {'a': ''}}", "model_alias: a pattern or model has no"},
    {"{'model_alias': {'': 'b'}}", "model_alias: a pattern or model has no"},
    {"{'model_alias': {'a=b': 'c'}}", "model_alias: a pattern or model has"},
    {"{'model_alias': {'a': 'b c'}}", "model_alias: a pattern or model has"},
    {"{'upstreams': [{'protocols': []}]}", "upstreams.nim.protocols: an empty"},
    {"{'upstreams': [{'protocols': ['chats']}]}",
     "upstreams.nim.protocols: an entry is not known; must be chat, messages"},
    {"{'model_alias': 'a'}", "model_alias: an entry is not PATTERN=MODEL"},
    {"{'model_alias': 'a=b,a=c'}",
     "model_alias: a is there twice; must have one model"},
    {"{'fallbacks': 'a=b|'}", "fallbacks: a model has no name, or"},
    {"{'fallbacks': null}", "fallbacks: null is refused"},
    {"{'fallbacks': {'a': 'b'}}", "fallbacks: an entry has no list of models"},
    {"{'fallbacks': {'a': []}}", "fallbacks: an entry has no list of models"},
    {"{'fallbacks': {'a': [1]}}", "fallbacks: a model has no name, or"},
    {"{'fallbacks': {'a': ['']}}", "fallbacks: a model has no name, or"},
    {"{'fallbacks': {'': ['b']}}", "fallbacks: a model has no name, or"},
    {"{'fallbacks': {'a=b': ['c']}}", "fallbacks: a model has no name, or"},
    {"{'fallbacks': {'a': ['b|c']}}", "fallbacks: a model has no name, or"},
    {"{'fallbacks': {'a': ['b,c']}}", "fallbacks: a model has no name, or"},
    {"{'fallbacks': {'a': ['b c']}}", "fallbacks: a model has no name, or"},
    {"{'fallbacks': {'a': ['b\\u0007']}}", "fallbacks: it has a control"},
    {"{'fallbacks': {'a': ['1','2','3','4','5','6','7','8','9']}}",
     "fallbacks: an entry has too many models"},
    {"{'fallbacks': {'a': ['b'], 'a': ['c']}}", "is given twice"},
    /* several keys */
    {"{'upstreams': [{'api_key_files': '/a'}]}",
     "upstreams.nim.api_key_files: \"\\/a\" is refused; must be a list of at "
     "most 16 absolute paths"},
    {"{'upstreams': [{'api_key_files': ['" CANARY "']}]}",
     "upstreams.nim.api_key_files: it is relative"},
    {"{'upstreams': [{'api_key_files': ['/nowhere/key']}]}",
     "upstreams.nim.api_key_files: cannot read /nowhere/key: No such file"},
    {"{'upstreams': [{'api_key_files': ['/nowhere/a'],"
     "'api_key_file': '/nowhere/b'}]}",
     "upstreams.nim.api_key_files: there is api_key_file, or a key in the "
     "environment, too; must be one of them"},
    {"{'upstreams': [{'api_key_files': ['/a','/b']},{'name':'nim-2'}]}",
     "upstreams.nim.api_key_files: key 2 would be upstream nim-2, and there "
     "is one of that name"},
    {"{'upstreams': [{'name':'abcdefghijklmnopqrstuvwxyz01234',"
     "'api_key_files': ['/a','/b']}]}",
     "the upstream's name has no room for a number behind it"},
    {"{'upstreams': [{'api_key_files': ['/1','/2','/3','/4','/5','/6','/7',"
     "'/8','/9','/10','/11','/12','/13','/14','/15','/16']},{'name':'b'}]}",
     "there are more than 16 upstreams with its keys"},
    {"{'upstreams': [{'models': []}]}", "upstreams.nim.models: an empty list"},
    {"{'upstreams': [{'models': ['a b']}]}", "upstreams.nim.models: an entry"},
    {"{'upstreams': [{'burst': 41}]}", "upstreams.nim.burst: 41 is more than "
                                       "upstreams.nim.requests; must be from "
                                       "1 to 40"},
    {"{'upstreams': [{'burst': 0}]}", "upstreams.nim.burst: 0 is refused"},
    {"{'upstreams': [{'base_url': 'ftp://a'}]}",
     "upstreams.nim.base_url: it begins with neither http:// nor https://"},
    {"{'upstreams': [{'base_url': 'a.example'}]}", "neither http"},
    {"{'upstreams': [{'base_url': 'https://'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https:///v1'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https://:80'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https://a:'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https://a:0'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https://a:65536'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https://a:+80'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https://a b/'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https://[::g]'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https://[::1'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https://[::1]x'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https://[]'}]}", "its host or port"},
    {"{'upstreams': [{'base_url': 'https://u:" CANARY "@a'}]}", "a user name"},
    {"{'upstreams': [{'base_url': 'https://a?key=" CANARY "'}]}",
     "belongs into api_key_file"},
    {"{'upstreams': [{'base_url': 'https://a/?b=c&X-Goog-Api-KEY=" CANARY
     "'}]}",
     "belongs into api_key_file"},
    {"{'upstreams': [{'base_url': 'https://a:1/v1/chat/completions'}]}",
     "clients ask for themselves; write https://a:1/v1;"},
    {"{'upstreams': [{'base_url': 'https://a/openai/embeddings/?b=c'}]}",
     "write https://a/openai;"},
    {"{'upstreams': [{'api_path': 'v1'}]}", "it is no path"},
    {"{'upstreams': [{'api_path': '/a/../b'}]}", "it is no path"},
    {"{'upstreams': [{'api_path': '/a?b'}]}", "it is no path"},
    {"{'upstreams': [{'base_url': 'https://a/#x'}]}", "a fragment"},
    {"{'upstreams': [{'base_url': 'https://a/b c'}]}", "its path"},
    {"{'upstreams': [{'base_url': 'https://a/../b'}]}", "its path"},
    {"{'upstreams': [{'base_url': 'https://a\\\\b'}]}", "its path"},
    {"{'upstreams': [{'base_url': 'https://a\\r\\nX: y'}]}", "control"},
    {"{'upstreams': [{'api_key_file': '" CANARY "'}]}",
     "upstreams.nim.api_key_file: it is relative"},
    {"{'upstreams': [{'api_key_file': '/nowhere/key'}]}",
     "upstreams.nim.api_key_file: cannot read /nowhere/key: No such file"},
    {"{'upstreams': [{'api_key_file': '/dev/null'}]}",
     "/dev/null: it is not a regular file"},
    {"{'upstreams': [{'api_key_file': '/tmp'}]}", "not a regular file"},
    {"{'upstreams': [{'proxy': 'a:" CANARY "@p:1'}]}",
     "upstreams.nim.proxy: it begins with none of these; must be http://, "},
    {"{'upstreams': [{'proxy': 'http://a:" CANARY "@p'}]}",
     "upstreams.nim.proxy: its host or port"},
    {"{'upstreams': [{'proxy': 1}]}", "upstreams.nim.proxy: 1 is refused"},
    {"{'upstreams': [{'no_proxy': 'a'}]}", "upstreams.nim.no_proxy: \"a\" is"},
    {"{'upstreams': [{'ca_file': 'ca.pem'}]}",
     "upstreams.nim.ca_file: it is relative"},
    {"{'admin': {'read_token_file': '/nowhere/token'}}",
     "admin.read_token_file: cannot read /nowhere/token"},
};

/* json-c takes single quotes even where it is told to be strict. */
static void check_quotes(const char *json)
{
    const char *const none[] = {NULL};
    char err[GIVEN_ERR_MAX];

    CU_ASSERT_PTR_NULL(given_bytes(json, strlen(json), none, err));
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "line 1, column "));
}

static void a_bad_file_is_refused_by_the_name_of_the_key(void)
{
    const char *const none[] = {NULL};
    size_t i;

    for (i = 0; i < sizeof(bad_files) / sizeof(bad_files[0]); i++)
        given_refused(bad_files[i].json, 0, none, bad_files[i].wanted);
    given_refused("{\"drain_s\":1}\0", 14, none, "it has a zero byte");
    check_quotes("{'drain_s': 1}");
    check_quotes("{\"log\": '/a'}");
    check_quotes("{'a\"b': 1}");
}

static const struct {
    const char *vars[3], *wanted;
} bad_vars[] = {
    {{"SLUICE_FALLBACKS=a"}, "SLUICE_FALLBACKS: an entry is not ASKED=MODEL|"},
    {{"SLUICE_MODEL_ALIAS=a"}, "SLUICE_MODEL_ALIAS: an entry is not PATTERN="},
    {{"SLUICE_PROTOCOLS=x"}, "SLUICE_PROTOCOLS: an entry is not known"},
    {{"SLUICE_FALLBACKS=a=b,a=c"}, "fallbacks: a is there twice"},
    {{"SLUICE_FALLBACKS=a=b|"}, "SLUICE_FALLBACKS: a model has no name"},
    {{"SLUICE_API_KEY_FILES=/a,/b", "NVIDIA_API_KEY=" CANARY},
     "SLUICE_API_KEY_FILES: there is api_key_file, or a key in the "
     "environment, too"},
    {{"SLUICE_REQUEST=40"},
     "SLUICE_REQUEST: unknown variable; the nearest "
     "known one is SLUICE_REQUESTS"},
    {{"SLUICE_QUEUEMAX=1"}, "the nearest known one is SLUICE_QUEUE_MAX"},
    {{"SLUICE_=1"}, "SLUICE_: unknown variable"},
    {{"SLUICE_TESTS=1"}, "SLUICE_TESTS: unknown variable"},
    {{"SLUICE_NVIDIA_API_KEY=" CANARY},
     "the nearest known one is "
     "NVIDIA_API_KEY"},
    {{"SLUICE_SHARING_URL=x"}, "SLUICE_SHARING_URL: unknown variable"},
    {{"SLUICE_REQUESTS=0"},
     "SLUICE_REQUESTS: 0 is refused; must be a whole "
     "number from 1 to 10000"},
    {{"SLUICE_REQUESTS=4 0"}, "SLUICE_REQUESTS: 4 0 is refused"},
    {{"SLUICE_REQUESTS= 40"}, "SLUICE_REQUESTS"},
    {{"SLUICE_REQUESTS=40x"}, "SLUICE_REQUESTS: 40x is refused"},
    {{"SLUICE_REQUESTS=0x10"}, "SLUICE_REQUESTS"},
    {{"SLUICE_REQUESTS=1e2"}, "SLUICE_REQUESTS"},
    {{"SLUICE_REQUESTS=-"}, "SLUICE_REQUESTS: - is refused"},
    {{"SLUICE_REQUESTS=1-1"}, "SLUICE_REQUESTS"},
    {{"SLUICE_REQUESTS=1.5"}, "SLUICE_REQUESTS: 1.5 is refused"},
    {{"SLUICE_REQUESTS=" CANARY}, "SLUICE_REQUESTS: must be"},
    {{"SLUICE_READ=CANARY"}, "SLUICE_READ: must be one of"},
    {{"SLUICE_WINDOW_S=nan"}, "SLUICE_WINDOW_S: nan is refused"},
    {{"SLUICE_WINDOW_S=inf"}, "SLUICE_WINDOW_S: inf is refused"},
    {{"SLUICE_WINDOW_S=0"}, "SLUICE_WINDOW_S: 0 is refused"},
    {{"SLUICE_WINDOW_S=1:30"},
     "SLUICE_WINDOW_S: 1:30 is refused; a time may have a unit, as 250ms, 30s, "
     "15m or 1.5h have; must be a number of seconds from 0.1 to 86400"},
    {{"SLUICE_WINDOW_S=15 m"}, "SLUICE_WINDOW_S: 15 m is refused"},
    {{"SLUICE_WINDOW_S=m"}, "SLUICE_WINDOW_S: m is refused"},
    {{"SLUICE_WINDOW_S=15M"}, "SLUICE_WINDOW_S: 15M is refused"},
    {{"SLUICE_WINDOW_S=1m30s"}, "SLUICE_WINDOW_S: 1m30s is refused"},
    {{"SLUICE_WINDOW_S=2d"}, "SLUICE_WINDOW_S: 2d is refused"},
    {{"SLUICE_WINDOW_S=0.5ms"}, "SLUICE_WINDOW_S: 0.5ms is refused"},
    {{"SLUICE_MARGIN_MS=0.5ms"}, "SLUICE_MARGIN_MS: 0.5ms is refused"},
    {{"SLUICE_REQUESTS=40s"},
     "SLUICE_REQUESTS: 40s is refused; must be a whole"},
    {{"SLUICE_QUEUE_MAX=1,000"}, "SLUICE_QUEUE_MAX: 1,000 is refused"},
    {{"SLUICE_QUEUE_MAX=4O"}, "SLUICE_QUEUE_MAX: 4O is refused"},
    {{"SLUICE_QUEUE_MAX_MB=64m"}, "SLUICE_QUEUE_MAX_MB: 64m is refused"},
    {{"SLUICE_BUFFERED_KEEPALIVE=yes"}, "must be true or false"},
    {{"SLUICE_SCOPE=both"}, "SLUICE_SCOPE: must be one of account, model"},
    {{"SLUICE_STATE_DIR=run"}, "SLUICE_STATE_DIR: it is relative"},
    {{"SLUICE_HOSTS=a,,b"}, "SLUICE_HOSTS: it is empty or has an empty entry"},
    {{"SLUICE_HOSTS=a,"}, "SLUICE_HOSTS"},
    {{"SLUICE_TRUSTED_PROXIES=loopback,::/0"}, "SLUICE_TRUSTED_PROXIES"},
    {{"SLUICE_CLIENT_HEADER=X-Api-Key"}, "SLUICE_CLIENT_HEADER: what it"},
    {{"SLUICE_BURST=41"},
     "SLUICE_BURST: 41 is more than upstreams.nim."
     "requests"},
    {{"SLUICE_BURST=30", "SLUICE_REQUESTS=20"},
     "SLUICE_BURST: 30 is more than SLUICE_REQUESTS; must be from 1 to 20"},
    {{"NVIDIA_API_KEY=" CANARY, "SLUICE_API_KEY_FILE=/k"},
     "NVIDIA_API_KEY and SLUICE_API_KEY_FILE are both set"},
    {{"NVIDIA_API_KEY=Bearer " CANARY}, "NVIDIA_API_KEY: it has a space"},
    {{"NVIDIA_API_KEY=" CANARY "\r"}, "NVIDIA_API_KEY: it has a control"},
    {{"NVIDIA_API_KEY=" CANARY "\xc3\xbc"}, "NVIDIA_API_KEY: it has"},
    {{"SLUICE_READ_TOKEN=" CANARY " "}, "SLUICE_READ_TOKEN: it has a space"},
    {{"SLUICE_API_KEY_FILE=" CANARY}, "SLUICE_API_KEY_FILE: it is relative"},
    {{"SLUICE_API_KEY_FILE=/nowhere"}, "SLUICE_API_KEY_FILE: cannot read"},
    {{"SLUICE_CONFIG=/nowhere"}, "SLUICE_CONFIG: cannot read /nowhere"},
    {{"SLUICE_CONFIG=/dev/zero"},
     "SLUICE_CONFIG: cannot read /dev/zero: it "
     "is not a regular file"},
    {{"NVIDIA_API_KEY=" CANARY, "SLUICE_UPSTREAM_URL=http://a.example"},
     "SLUICE_UPSTREAM_URL: the API key would travel in the clear"},
    {{"NVIDIA_API_KEY=" CANARY, "SLUICE_UPSTREAM_URL=HTTP://10.0.0.1"},
     "in the clear"},
    {{"NVIDIA_API_KEY=" CANARY, "SLUICE_UPSTREAM_URL=http://127.evil.example"},
     "in the clear"},
    {{"NVIDIA_API_KEY=" CANARY, "SLUICE_UPSTREAM_URL=http://localhost.evil"},
     "in the clear"},
    {{"NVIDIA_API_KEY=" CANARY, "SLUICE_UPSTREAM_URL=http://[::2]:80"},
     "in the clear"},
};

static void a_bad_variable_is_refused_by_its_name(void)
{
    char longest[SETTING_TEXT_MAX + 32];
    const char *vars[] = {longest, NULL};
    size_t i;

    for (i = 0; i < sizeof(bad_vars) / sizeof(bad_vars[0]); i++)
        given_refused(NULL, 0, bad_vars[i].vars, bad_vars[i].wanted);
    memset(longest, 'k', sizeof(longest));
    memcpy(longest, "NVIDIA_API_KEY=", 15);
    longest[15 + SETTING_TEXT_MAX + 1] = '\0';
    given_refused(NULL, 0, vars, "NVIDIA_API_KEY: it is too long");
    longest[15 + SETTING_TEXT_MAX] = '\0';
    config_free(given_sound(NULL, longest, NULL));
}

static const struct {
    const char *text;
    mode_t mode;
    const char *wanted; /* NULL: the key is "key" */
} key_files[] = {
    {"key", 0600, NULL},
    {"key\n", 0400, NULL},
    {"key\r\n\n", 0640, NULL},
    {"key", 0604, "others may read or write it; must be chmod 0640"},
    {"key", 0602, "others may read or write it"},
    {"", 0600, "it is empty"},
    {"\n", 0600, "it is empty"},
    {"ke y", 0600, "it has a space"},
    {"key\n2", 0600, "it has a space, a control"},
    {" key", 0600, "it has a space"},
};

static void a_key_file_is_private_and_holds_one_key(void)
{
    char path[64], var[96], large[SETTING_TEXT_MAX + 4];
    const char *vars[] = {var, NULL};
    struct config *cfg;
    size_t i;

    for (i = 0; i < sizeof(key_files) / sizeof(key_files[0]); i++) {
        given_file(path, sizeof(path), key_files[i].text,
                   strlen(key_files[i].text), key_files[i].mode);
        (void)snprintf(var, sizeof(var), "SLUICE_API_KEY_FILE=%s", path);
        if (key_files[i].wanted != NULL) {
            given_refused(NULL, 0, vars, key_files[i].wanted);
        } else {
            cfg = given_sound(NULL, var, NULL);
            CU_ASSERT_STRING_EQUAL(cfg->upstreams[0].api_key, "key");
            CU_ASSERT_STRING_EQUAL(cfg->upstreams[0].api_key_file, path);
            config_free(cfg);
        }
        (void)unlink(path);
    }
    memset(large, 'k', sizeof(large));
    given_file(path, sizeof(path), large, sizeof(large), 0600);
    (void)snprintf(var, sizeof(var), "SLUICE_API_KEY_FILE=%s", path);
    given_refused(NULL, 0, vars, "it is too large");
    (void)unlink(path);
    given_file(path, sizeof(path), "k\0ey", 4, 0600);
    (void)snprintf(var, sizeof(var), "SLUICE_API_KEY_FILE=%s", path);
    given_refused(NULL, 0, vars, "it has a zero byte");
    (void)unlink(path);
}

static void a_file_beyond_its_bound_is_refused(void)
{
    const char *const none[] = {NULL};
    size_t len = MIB + 1;
    char *text = malloc(len + 1), err[GIVEN_ERR_MAX];
    struct config *cfg;

    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memset(text, ' ', len);
    memcpy(text, "{}", 2);
    text[len] = '\0';
    given_refused(text, 0, none, "it is too large");
    cfg = given_bytes(text, len - 1, none, err);
    CU_ASSERT_PTR_NOT_NULL(cfg);
    config_free(cfg);
    free(text);
}

static void a_message_fits_whatever_room_there_is(void)
{
    char *env[] = {NULL, NULL}, err[GIVEN_ERR_MAX];
    struct config *cfg = NULL;
    size_t max;

    env[0] = strdup("SLUICE_REQUESTS=many");
    for (max = 0; max < 64; max++) {
        memset(err, '#', sizeof(err));
        CU_ASSERT_EQUAL(config_load(&cfg, env, err, max), -1);
        CU_ASSERT_PTR_NULL(cfg);
        CU_ASSERT_EQUAL(err[max], '#');
        if (max > 0)
            CU_ASSERT_EQUAL(strnlen(err, max), max - 1);
    }
    free(env[0]);
}

static const struct unit_test tests[] = {
    {"a key file is private and holds one key",
     a_key_file_is_private_and_holds_one_key},
    {"a bad file is refused by the name of the key",
     a_bad_file_is_refused_by_the_name_of_the_key},
    {"a bad variable is refused by its name",
     a_bad_variable_is_refused_by_its_name},
    {"a file beyond its bound is refused", a_file_beyond_its_bound_is_refused},
    {"a message fits whatever room there is",
     a_message_fits_whatever_room_there_is},
    {NULL, NULL},
};

CU_ErrorCode test_settings_add(void)
{
    return unit_add("settings", tests);
}
