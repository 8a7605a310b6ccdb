/* SPDX-License-Identifier: Apache-2.0 */
/* The flags of rpsctl: what they become, and what is said about wrong ones. */
#include "ctl/options.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/config/ini.h"
#include "common/config/keys.h"
#include "common/plan/plan_keys.h"
#include "common/settings/settings_keys.h"
#include "common/str.h"
#include "ctl/commands/cmd.h"
#include "ctl/style.h"
#include "tests/support/suite.h"

#define RUN                                                                                        \
	(OPTIONS_PLAN | OPTIONS_REPORT | OPTIONS_QUIET | OPTIONS_JSON | OPTIONS_WHERE |            \
		OPTIONS_CONTROL)
#define WORDS_MAX 16

/* Splits at '|', so that values may hold blanks. */
static int parse(struct options *o, unsigned groups, const char *line, struct err *err)
{
	static char copy[512];
	char *words[WORDS_MAX];
	int n = 0;

	*o = (struct options){0};
	(void)snprintf(copy, sizeof(copy), "%s", line);
	for (char *at = copy; *line && n < WORDS_MAX; n++) {
		words[n] = at;
		at = strchr(at, '|');
		if (!at) {
			n++;
			break;
		}
		*at++ = '\0';
	}
	return options_parse(o, groups, n, words, err);
}

static const struct {
	const char *line;
	const char *key;
	const char *value;
	const char *origin;
} keys[] = {
	{"-r|2k", "load.rate", "2k", "-r"},
	{"-r2k", "load.rate", "2k", "-r"},
	{"--rate|2k", "load.rate", "2k", "--rate"},
	{"--rate=2k", "load.rate", "2k", "--rate"},
	{"-R|100", "load.rate", "100", "-R"},
	{"-r|x0.1", "load.scale", "x0.1", "-r"},
	{"--rate=x2", "load.scale", "x2", "--rate"},
	{"--label|commit=1f", "run.label", "commit=1f", "--label"},
	{"-d|30", "load.duration", "30s", "-d"},
	{"-d|1.5", "load.duration", "1.5s", "-d"},
	{"-d|5m", "load.duration", "5m", "-d"},
	{"-d|1x", "load.duration", "1x", "-d"},
	{"-w|2", "load.warmup", "2s", "-w"},
	{"-n|1000", "load.requests", "1000", "-n"},
	{"-c|8", "connections.count", "8", "-c"},
	{"-t|2", "load.workers", "2", "-t"},
	{"-H|A: b c", "defaults.header", "A: b c", "-H"},
	{"-X|PUT", "defaults.method", "PUT", "-X"},
	{"--data|@cart.json", "defaults.body", "@cart.json", "--data"},
	{"--data=", "defaults.body", "", "--data"},
	{"-k", "tls.verify", "no", "-k"},
	{"--insecure", "tls.verify", "no", "--insecure"},
	{"--cacert|ca.pem", "tls.ca-file", "ca.pem", "--cacert"},
	{"--cert=c.pem", "tls.certificate", "c.pem", "--cert"},
	{"--key|c.key", "tls.key", "c.key", "--key"},
	{"--connect-to|10.0.0.7:8443", "target.connect-to", "10.0.0.7:8443", "--connect-to"},
	{"--closed", "load.model", "closed", "--closed"},
	{"--think|1", "load.think", "1s", "--think"},
	{"--stage|hold 500 for 5m", "load.stage", "hold 500 for 5m", "--stage"},
	{"--arrivals|poisson", "load.arrivals", "poisson", "--arrivals"},
	{"-4", "target.addresses", "v4", "-4"},
	{"-6", "target.addresses", "v6", "-6"},
	{"--ipv4", "target.addresses", "v4", "--ipv4"},
	{"-v6", "target.addresses", "v6", "-6"},
	{"--no-keepalive", "connections.reuse", "no", "--no-keepalive"},
	{"--seed|7", "load.seed", "7", "--seed"},
	{"--timeout|5", "timeouts.request", "5s", "--timeout"},
	{"--set|timeouts.drain=1s", "timeouts.drain", "1s", "--set timeouts.drain"},
	{"--set=a.b=c=d.e", "a.b", "c=d.e", "--set a.b"},
	{"-qvr|5", "load.rate", "5", "-r"},
};

START_TEST(test_keys)
{
	struct err err = {0};
	struct options o;

	ck_assert_msg(parse(&o, RUN, keys[_i].line, &err) == 0, "%s: %s", keys[_i].line, err.text);
	ck_assert_uint_eq(o.n_settings, 1);
	ck_assert_str_eq(o.settings[0].key, keys[_i].key);
	ck_assert_str_eq(o.settings[0].value, keys[_i].value);
	ck_assert_str_eq(o.settings[0].origin, keys[_i].origin);
	ck_assert_uint_eq(o.n_args, 0);
	options_fini(&o);
}
END_TEST

/* What a flag sets is a key that there is. */
START_TEST(test_keys_exist)
{
	char section[64];
	const char *dot = strchr(keys[_i].key, '.');

	if (str_eq(keys[_i].key, "a.b"))
		return;
	(void)snprintf(section, sizeof(section), "%.*s", (int)(dot - keys[_i].key), keys[_i].key);
	ck_assert_msg(keys_find(&plan_keys, section, dot + 1) != NULL, "%s", keys[_i].key);
}
END_TEST

START_TEST(test_order_and_args)
{
	struct options o;

	ck_assert_int_eq(parse(&o, RUN, "url|-r|1|-r|2|-H|a: 1|-H|b: 2|-|--|-r|--x", NULL), 0);
	ck_assert_uint_eq(o.n_args, 4);
	ck_assert_str_eq(o.args[0], "url");
	ck_assert_str_eq(o.args[1], "-");
	ck_assert_str_eq(o.args[2], "-r");
	ck_assert_str_eq(o.args[3], "--x");
	ck_assert_uint_eq(o.n_settings, 4);
	ck_assert_str_eq(options_setting(&o, "load.rate"), "2");
	ck_assert_ptr_null(options_setting(&o, "load.seed"));
	options_fini(&o);
}
END_TEST

START_TEST(test_switches)
{
	struct options o;

	ck_assert_int_eq(parse(&o, RUN | OPTIONS_STOP | OPTIONS_ORIGIN,
				 "-q|-v|--json|--service|--all|--now|--latency|--help|--dry-run|"
				 "--socket|/s|-o|a.json|--output=b.txt",
				 NULL),
		0);
	ck_assert(o.quiet && o.verbose && o.json && o.service && o.all && o.now && o.help);
	ck_assert(o.dry_run);
	ck_assert_str_eq(o.socket, "/s");
	ck_assert_uint_eq(o.n_outputs, 2);
	ck_assert_str_eq(o.outputs[0], "a.json");
	ck_assert_str_eq(o.outputs[1], "b.txt");
	ck_assert_uint_eq(o.n_settings, 0);
	options_fini(&o);
	ck_assert_int_eq(parse(&o, OPTIONS_ORIGIN,
				 "--listen|a:1|--delay|5s|--body|1KiB|--errors|20% 503", NULL),
		0);
	ck_assert_str_eq(options_setting(&o, "origin.listen"), "a:1");
	ck_assert_str_eq(options_setting(&o, "origin.delay"), "5s");
	ck_assert_str_eq(options_setting(&o, "origin.body"), "1KiB");
	ck_assert_str_eq(options_setting(&o, "origin.errors"), "20% 503");
	ck_assert_uint_eq(o.n_settings, 4);
	options_fini(&o);
}
END_TEST

/* Every key of [origin] is a flag of rpsctl origin of the same name. */
START_TEST(test_origin_has_all_its_keys)
{
	for (size_t i = 0; i < settings_keys.n; i++) {
		char name[64];
		size_t at = 0;

		if (!str_eq(settings_keys.rows[i].section, "origin"))
			continue;
		(void)snprintf(name, sizeof(name), "origin.%s", settings_keys.rows[i].name);
		while (at < options_flags_n &&
			!(options_flags[at].key && str_eq(options_flags[at].key, name)))
			at++;
		ck_assert_msg(at < options_flags_n, "no flag for %s", name);
		ck_assert_str_eq(options_flags[at].name, settings_keys.rows[i].name);
		ck_assert_uint_eq(options_flags[at].groups, OPTIONS_ORIGIN);
	}
}
END_TEST

static const struct {
	unsigned groups;
	const char *line;
	const char *says;
} wrong[] = {
	{RUN, "--order|sequence",
		"unknown flag --order: the key of run files is --set load.order=sequence"},
	{RUN, "--url|http://a", "leave it out: a URL is a word of its own, rpsctl http://a"},
	{RUN, "--scale=x2", "--set load.scale=x2"},
	{RUN, "--count|7", "requests are -n 7, connections -c 7"},
	{OPTIONS_PLAN, "--pipeline", "--set connections.pipeline=VALUE"},
	{OPTIONS_STOP, "--order|sequence", "unknown flag --order; --help lists the flags"},
	{RUN, "--rat|1", "unknown flag --rat; did you mean --rate?"},
	{RUN, "--dur|5", "unknown flag --dur; did you mean --duration?"},
	{RUN, "--c|5", "--help lists the flags"},
	{OPTIONS_PLAN, "-o|x.json",
		"unknown flag -o: start does not wait for the end of the run: "
		"then rpsctl report RUN -o x.json"},
	{OPTIONS_PLAN, "--json", "then rpsctl report RUN --json"},
	{OPTIONS_ORIGIN, "--tls", "unknown flag --tls: rpsctl origin serves HTTP without TLS"},
	{OPTIONS_ORIGIN, "-b|127.0.0.1", "the address is in --listen 127.0.0.1:PORT"},
	{OPTIONS_ORIGIN, "-p|80", "unknown flag -p: the port is in --listen 127.0.0.1:80"},
	{RUN, "--conections=4", "did you mean --connections?"},
	{RUN, "--zzzzzzzz", "--help lists the flags"},
	{RUN, "-Z", "unknown flag -Z; --help lists the flags"},
	{RUN, "-N|5", "unknown flag -N; did you mean -n?"},
	{RUN, "-qZ", "unknown flag -Z"},
	{RUN, "-r", "-r needs a value: RATE"},
	{RUN, "--rate", "--rate needs a value: RATE"},
	{RUN, "--json=yes", "--json takes no value"},
	{RUN, "--set|load", "SECTION.KEY=VALUE"},
	{RUN, "--set|load=5", "SECTION.KEY=VALUE"},
	{RUN, "--set|.rate=5", "SECTION.KEY=VALUE"},
	{RUN, "--set|load.=5", "SECTION.KEY=VALUE"},
	{RUN, "--set|rate=5", "--set rate=5: the key is in [load]: --set load.rate=5"},
	{RUN, "--set|rate", "SECTION.KEY=VALUE"},
	{RUN, "--set|request.method=PUT",
		"which request? --set request.NAME.KEY=VALUE is of one, --set defaults.method=PUT "
		"of all"},
	{RUN, "--csv|a.csv", "unknown flag --csv: the form is in the name: -o FILE.csv"},
	{OPTIONS_REPORT, "--format=md", "unknown flag --format: the form is in the name of a file"},
	{OPTIONS_STOP, "--csv", "unknown flag --csv; --help lists the flags"},
	{RUN, "--set|load=a.b", "SECTION.KEY=VALUE"},
	/* of another command */
	{RUN, "--all", "unknown flag --all: it is one of rpsctl stop; see rpsctl help stop"},
	{OPTIONS_STOP, "-r|5", "unknown flag -r: it is one of rpsctl run; see rpsctl help run"},
	{0, "--rate", "unknown flag --rate: it is one of rpsctl run; see rpsctl help run"},
	{0, "--json", "unknown flag --json: it is one of rpsctl report"},
	{RUN, "--listen|1", "unknown flag --listen: it is one of rpsctl origin"},
	{RUN, "--repeats", "unknown flag --repeats: it is one of rpsctl merge"},
	{OPTIONS_PLAN, "--service", "unknown flag --service: it is one of rpsctl run"},
	/* of the blueprint, not yet */
	{OPTIONS_REPORT, "--abort-if|x", "unknown flag --abort-if"},
	{RUN, "--require", "--require needs a value: RULE"},
	{RUN, "--connect-to", "--connect-to needs a value: HOST:PORT"},
	{RUN, "--cacert", "--cacert needs a value: FILE"},
	{RUN, "--insecure=no", "--insecure takes no value"},
	{OPTIONS_STOP, "-z|5", "unknown flag -z; --help lists the flags"},
	/* as Go's programs have it */
	{RUN, "-rate=50", "unknown flag -rate; did you mean --rate?"},
	{RUN, "-duration|5s", "unknown flag -duration; did you mean --duration?"},
	{RUN, "-latency", "did you mean --latency?"},
	{RUN, "--ratee=x", "unknown flag --ratee; did you mean --rate?"},
	{RUN, "-kvZ", "unknown flag -Z"},
	{OPTIONS_STOP, "-sS", "unknown flag -s"},
	/* another word, of which no flag is near */
	{RUN, "--slo|p99<5ms", "unknown flag --slo; --help lists the flags"},
	{OPTIONS_STOP | OPTIONS_PLAN, "--user=a", "unknown flag --user: "},
	{OPTIONS_STOP, "--user", "unknown flag --user; --help lists the flags"},
};

#define LOGIN "a login is --set 'defaults.auth=basic USER @FILE', with the password in the file"

/* What the hands of other tools' users type, each with the whole line. */
static const struct {
	const char *line;
	const char *says;
} hints[] = {
	{"-z|10s|url", "unknown flag -z: the duration is -d 10s"},
	{"-z10s", "unknown flag -z: the duration is -d 10s"},
	{"-z", "unknown flag -z: the duration is -d TIME"},
	{"-z|-c", "unknown flag -z: the duration is -d TIME"},
	{"-q|100|url", "-q is quiet; a rate, of all connections together, is -r 100"},
	{"-q100", "-q is quiet; a rate, of all connections together, is -r 100"},
	{"-t|5s",
		"-t is the number of workers; the duration is -d 5s, the timeout is --timeout 5s"},
	{"-t500ms", "-t is the number of workers; the duration is -d 500ms, the timeout is "
		    "--timeout 500ms"},
	{"-d|{\"a\": 1}", "-d is the duration; a body is --data {\"a\": 1}"},
	{"-d|a=1&b=2", "-d is the duration; a body is --data a=1&b=2"},
	{"-d|@cart.json", "-d is the duration; a body is --data @cart.json"},
	{"-D|30", "unknown flag -D: the duration is -d 30"},
	{"-vus|10", "unknown flag --vus: users are -c 10 --closed"},
	{"-qps|4", "unknown flag --qps: requests per second are -r 4"},
	{"-rps=4", "unknown flag --rps: requests per second are -r 4"},
	{"-pipeline|4",
		"unknown flag --pipeline: the key of run files is --set connections.pipeline=4"},
	{"-D|body.json", "unknown flag -D: a body from a file is --data @body.json"},
	{"-s|script.lua",
		"unknown flag -s: there are no scripts: -X, -H and --data say what is sent"},
	{"-s|30", "unknown flag -s: the timeout of a request is --timeout 30"},
	{"-m|POST", "unknown flag -m: the method is -X POST"},
	/* one letter of several tools */
	{"-m|3", "unknown flag -m: the timeout of a request is --timeout 3; streams of a "
		 "connection: leave it out, HTTP/2 is not supported yet"},
	{"-m|http://h/", "unknown flag -m: the method is -X METHOD"},
	{"-p|10", "unknown flag -p: requests in flight on a connection are --set "
		  "connections.pipeline=10; streams of a connection: leave it out, HTTP/2 is not "
		  "supported yet"},
	{"-s|30s:10", "unknown flag -s: a stage is a rate and a time, as in --stage 'ramp to 500 "
		      "over 30s', and users have none"},
	{"-i|100", "unknown flag -i: the number of requests is -n 100"},
	{"-i|localhost:8000", "unknown flag -i: leave it out: headers of answers are not "
			      "shown; HEAD requests are -X HEAD"},
	{"-i|urls.txt", "unknown flag -i: lists of URLs are not supported yet: a run file has up "
			"to 64 [request NAME] sections; a body from a file is --data @urls.txt"},
	{"-a|joe:secret", "unknown flag -a: " LOGIN},
	{"-a|1st:secret", "unknown flag -a: " LOGIN},
	{"-a|100", "unknown flag -a: the number of requests is -n 100"},
	{"-a|http://h/",
		"unknown flag -a: a connection for each request is --no-keepalive; " LOGIN},
	{"-T|application/vnd.api+json",
		"unknown flag -T: it is -H 'Content-Type: application/vnd.api+json'"},
	{"-T|photo.jpg", "unknown flag -T: PUT of a file is -X PUT --data @photo.jpg; the type of "
			 "a body is -H 'Content-Type: photo.jpg'"},
	{"-U", "unknown flag -U: leave it out: percentiles are always printed"},
	{"-U|joe:secret", "unknown flag -U: proxies are not supported, and http_proxy is not "
			  "read: load the server itself"},
	{"-e|table.csv", "unknown flag -e: -o FILE.csv writes a table"},
	{"-e|http://a/?b=c", "unknown flag -e: it is -H 'Referer: http://a/?b=c'"},
	{"-e|HOST=a", "unknown flag -e: ${NAME} in run files is filled from the environment: "
		      "HOST=a rpsctl FILE.ini"},
	{"-g|http://h/", "unknown flag -g: leave it out: a URL has no ranges and lists"},
	{"-b|http://h/", "unknown flag -b: a cookie is -H 'Cookie: TEXT', a body is --data TEXT; "
			 "in the closed model users do not wait, but for --think TIME"},
	/* the URL is no value of the flag before it */
	{"-z|http://h/", "unknown flag -z: the duration is -d TIME"},
	{"--concurrency|http://h/", "unknown flag --concurrency: connections are -c N"},
	{"-i|127.0.0.1:18000", "unknown flag -i: leave it out: headers of answers are not shown; "
			       "HEAD requests are -X HEAD"},
	{"-f|127.0.0.1:18000/x",
		"unknown flag -f: leave it out: a status from 400 on is counted as failed"},
	{"-f|shop.test:8000",
		"unknown flag -f: leave it out: a status from 400 on is counted as failed"},
	{"-s|[::1]:8000", "unknown flag -s: leave it out, or -q, which turns progress off"},
	{"-p|127.0.0.1", "unknown flag -p: a body from a file is --data @FILE"},
	{"-u|127.0.0.1:80", "unknown flag -u: PUT of a file is -X PUT --data @FILE"},
	{"-m|127.0.0.1:80", "unknown flag -m: the method is -X METHOD"},
	{"-D|127.0.0.1:80", "unknown flag -D: a body from a file is --data @FILE"},
	{"-a|127.0.0.1:80",
		"unknown flag -a: a connection for each request is --no-keepalive; " LOGIN},
	{"-T|127.0.0.1:80", "unknown flag -T: it is -H 'Content-Type: TYPE'"},
	{"--vus|127.0.0.1:80", "unknown flag --vus: users are -c N --closed"},
	{"--url|127.0.0.1:80", "unknown flag --url: leave it out: a URL is a word of its own, "
			       "rpsctl 127.0.0.1:80"},
	{"--order|127.0.0.1:80",
		"unknown flag --order: the key of run files is --set load.order=VALUE"},
	/* curl's, which take no value, alone and together */
	{"-S|http://h/", "unknown flag -S: leave it out: what fails is always shown"},
	{"-sS|http://h/", "unknown flag -sS: these are flags of curl without a value: leave them "
			  "out"},
	{"-fsSL|h:80", "unknown flag -fsSL: these are flags of curl without a value: leave them "
		       "out"},
	{"-l", "unknown flag -l: leave it out: percentiles are always printed, and answers may "
	       "differ in length"},
	{"-L", "unknown flag -L: leave it out: percentiles are always printed, and redirects are "
	       "not followed"},
	{"--location", "unknown flag --location: leave it out: redirects are not followed; load "
		       "the URL that the answer names"},
	{"--compressed", "unknown flag --compressed: answers are not decompressed; -H "
			 "'Accept-Encoding: gzip' asks for compressed ones"},
	{"-x|proxy:3128", "unknown flag -x: proxies are not supported, and http_proxy is not "
			  "read: load the server itself"},
	{"--proxy=proxy:3128", "unknown flag --proxy: proxies are not supported, and http_proxy "
			       "is not read: load the server itself"},
	{"-p|post.json", "unknown flag -p: a body from a file is --data @post.json"},
	{"-d|body", "-d is the duration, as in 30s; a body is --data body"},
	{"-w|%{http_code}", "-w is the warm-up; -o FILE.json writes all figures"},
	{"--json|{\"a\": 1}|http://h/",
		"--json takes no value: it prints JSON; a body is --data {\"a\": 1}"},
	{"-i|http://h/", "unknown flag -i: leave it out: headers of answers are not shown; "
			 "HEAD requests are -X HEAD"},
	{"-T|2s", "unknown flag -T: the timeout of a request is --timeout 2s"},
	{"-cpus|4", "unknown flag -cpus: threads are -t 4"},
	{"-cpus=4", "unknown flag -cpus: threads are -t 4"},
	{"-host|shop.test", "unknown flag -host: it is -H 'Host: shop.test'"},
	{"-disable-keepalive|http://h/", "unknown flag -disable-keepalive: it is --no-keepalive"},
	{"-T|text/html", "unknown flag -T: it is -H 'Content-Type: text/html'"},
	{"-h2", "unknown flag -h2: HTTP/2 is not supported yet; HTTP/1.1 is what is sent"},
	{"--http2", "unknown flag --http2: HTTP/2 is not supported yet; HTTP/1.1 is what is sent"},
	{"--http3", "unknown flag --http3: HTTP/3 is not supported; HTTP/1.1 is what is sent"},
	{"--http1.1", "unknown flag --http1.1: leave it out: HTTP/1.1 is what is sent"},
	{"--threads|4", "unknown flag --threads: threads are -t 4"},
	{"--threads=4", "unknown flag --threads: threads are -t 4"},
	{"-f|https://h/", "unknown flag -f: leave it out: a status from 400 on is counted as "
			  "failed"},
	{"--fail|https://h/", "unknown flag --fail: leave it out: a status from 400 on is counted "
			      "as failed"},
	{"-f|urls.txt", "unknown flag -f: lists of URLs are not supported yet: a run file has up "
			"to 64 [request NAME] sections; a body from a file is --data @urls.txt"},
	{"--user|a:b", "unknown flag --user: " LOGIN},
	/* as copied from a browser or a shell's history of curl */
	{"-u|joe:secret", "unknown flag -u: " LOGIN},
	{"-u|body.json", "unknown flag -u: PUT of a file is -X PUT --data @body.json"},
	{"-u|10", "unknown flag -u: users are -c 10 --closed"},
	{"-A|joe:secret", "unknown flag -A: " LOGIN},
	{"-A|me/1.0", "unknown flag -A: it is -H 'User-Agent: me/1.0' or -H 'Accept: me/1.0'"},
	{"-b|a=b", "unknown flag -b: a cookie is -H 'Cookie: a=b', a body is --data a=b"},
	{"-I|http://h/", "unknown flag -I: HEAD requests are -X HEAD"},
	{"-s|http://h/", "unknown flag -s: leave it out, or -q, which turns progress off"},
	{"--request|POST", "unknown flag --request: the method is -X POST"},
	{"--data-raw|{}", "unknown flag --data-raw: a body is --data {}"},
	{"--data-binary|@f", "unknown flag --data-binary: a body is --data @f"},
	{"--max-time|3", "unknown flag --max-time: the timeout of a request is --timeout 3"},
	{"--connect-timeout|3",
		"unknown flag --connect-timeout: it is --set timeouts.connect=TIME, as in 5s"},
	{"--resolve|h:443:127.0.0.1", "unknown flag --resolve: it is --connect-to ADDRESS:PORT"},
	{"--unix-socket|/run/app.sock",
		"unknown flag --unix-socket: a Unix socket is in the URL: unix:/run/app.sock:/"},
	{"--sni|h", "unknown flag --sni: it is --set tls.server-name=h"},
	{"--vus|10", "unknown flag --vus: users are -c 10 --closed"},
	{"--script=a.lua",
		"unknown flag --script: there are no scripts: -X, -H and --data say what is sent"},
};

START_TEST(test_hints)
{
	struct err err = {0};
	struct options o;

	ck_assert_int_eq(parse(&o, RUN, hints[_i].line, &err), -EINVAL);
	ck_assert_str_eq(err.text, hints[_i].says);
	options_fini(&o);
}
END_TEST

/* What a hint recommends is there. */
START_TEST(test_hints_name_our_flags)
{
	for (size_t i = 0; i < sizeof(hints) / sizeof(*hints); i++) {
		const char *at = strchr(hints[i].says + 1, ':');

		for (at = at ? at : hints[i].says + 2; (at = strstr(at, " -")); at++) {
			char flag[32];
			size_t len = strcspn(at + 1, " ,;");
			size_t k = 0;

			(void)snprintf(flag, sizeof(flag), "%.*s", (int)len, at + 1);
			while (k < options_flags_n &&
				!(flag[1] == '-' ? options_flags[k].name &&
							   str_eq(options_flags[k].name, flag + 2)
						 : options_flags[k].letter == flag[1]))
				k++;
			ck_assert_msg(k < options_flags_n, "%s in: %s", flag, hints[i].says);
		}
	}
}
END_TEST

START_TEST(test_wrong)
{
	struct err err = {0};
	struct options o;

	ck_assert_int_eq(parse(&o, wrong[_i].groups, wrong[_i].line, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, wrong[_i].says) != NULL, "%s", err.text);
	ck_assert_ptr_null(strchr(err.text, '\n'));
	options_fini(&o);
}
END_TEST

START_TEST(test_very_long_words)
{
	char line[400];
	struct err err = {0};
	struct options o;

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	line[0] = line[1] = '-';
	ck_assert_int_eq(parse(&o, RUN, line, &err), -EINVAL);
	options_fini(&o);
	line[1] = 'x';
	ck_assert_int_eq(parse(&o, RUN, line, &err), -EINVAL);
	options_fini(&o);
}
END_TEST

/* Every command's help has all its flags, fits the screen, and the help of all names them all. */
START_TEST(test_help)
{
	const struct command *c = &commands[_i];
	struct buf text = {0};
	char *at;

	ck_assert_int_eq(options_describe(c->groups, &text), 0);
	ck_assert_ptr_nonnull(strstr(text.data, "--help"));
	ck_assert_int_eq(
		strstr(text.data, "-r, --rate RATE") != NULL, (c->groups & OPTIONS_PLAN) != 0);
	ck_assert_int_eq(
		strstr(text.data, "--socket PATH") != NULL, (c->groups & OPTIONS_CONTROL) != 0);
	for (at = strtok(text.data, "\n"); at; at = strtok(NULL, "\n"))
		ck_assert_msg(style_columns(at) <= 80, "%s", at);
	ck_assert_uint_lt(strlen(c->name) + 1 + strlen(c->usage), COMMAND_BRIEF_COLUMN - 2);
	ck_assert_uint_le(strlen(c->brief), COMMAND_BRIEF_MAX);
	for (const char *line = c->more; line && *line; line = strchr(line, '\n') + 1)
		ck_assert_uint_le(strcspn(line, "\n"), 80);
	buf_fini(&text);
}
END_TEST

/* Lines and columns aside, as the table has it. */
static void join_words(char *text)
{
	char *to = text;

	for (char *at = text; *at; at++)
		if (!strchr(" \n", *at))
			*to++ = *at;
	*to = '\0';
}

/* A flag that is a key's other name says what the key's table says. */
START_TEST(test_help_of_keys)
{
	const struct options_flag *f = &options_flags[_i];
	struct buf text = {0};
	const struct key *key;
	char section[32] = "";
	char *want;

	if (f->help) {
		ck_assert_msg(!(f->groups & OPTIONS_ORIGIN) || !f->key || f->fixed ||
				      str_eq(f->name, "listen"),
			"--%s has a help of its own", f->name);
		return;
	}
	ck_assert_ptr_nonnull(f->key);
	strncat(section, f->key, strcspn(f->key, "."));
	key = keys_find(f->groups & OPTIONS_ORIGIN ? &settings_keys : &plan_keys, section,
		strchr(f->key, '.') + 1);
	ck_assert_msg(key != NULL, "%s", f->key);
	ck_assert_int_eq(options_describe(f->groups, &text), 0);
	want = strdup(key->help);
	join_words(text.data);
	join_words(want);
	ck_assert_msg(strstr(text.data, want) != NULL, "--%s: %s", f->name, want);
	free(want);
	buf_fini(&text);
}
END_TEST

/* Who knows the flag finds the key: its table has the flag's name. */
START_TEST(test_flags_lead_to_keys)
{
	const struct options_flag *f = &options_flags[_i];
	char section[32];
	struct buf all = {0};
	char *name;

	if (!f->key || !f->name || !f->value || (f->groups & OPTIONS_ORIGIN))
		return;
	(void)snprintf(section, sizeof(section), "%.*s", (int)strcspn(f->key, "."), f->key);
	const struct key *key = keys_find(&plan_keys, section, strchr(f->key, '.') + 1);

	ck_assert_int_eq(buf_printf(&all, "|%s|%s|", key->name, key->also ? key->also : ""), 0);
	ck_assert_int_ge(asprintf(&name, "|%s|", f->name), 0);
	ck_assert_msg(strstr(all.data, name) != NULL, "--%s is %s: %s", f->name, f->key, all.data);
	free(name);
	buf_fini(&all);
}
END_TEST

START_TEST(test_commands)
{
	ck_assert_ptr_eq(command_find("run"), &commands[0]);
	ck_assert_ptr_null(command_find("ru"));
	ck_assert_ptr_null(command_find(""));
	ck_assert_str_eq(command_nearest("stat"), "status");
	ck_assert_str_eq(command_nearest("strat"), "start");
	ck_assert_str_eq(command_nearest("reprot"), "report");
	ck_assert_ptr_null(command_nearest("xyzzy"));
	/* None ends a run by mistake. */
	ck_assert_str_eq(command_nearest("top"), "watch");
	ck_assert_str_eq(command_nearest("ps"), "status");
	ck_assert_str_eq(command_nearest("ls"), "list");
	ck_assert_ptr_null(command_nearest("stpo"));
	ck_assert_ptr_null(command_nearest("sto"));
	ck_assert_ptr_null(command_nearest("nxt"));
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

/* Two flags that say different things of one key; the same one again is no contradiction. */
static const struct {
	const char *words[4];
	const char *wanted; /* NULL: fine */
} contradictions[] = {
	{{"-4", "-6"}, "-4 and -6 contradict each other"},
	{{"--ipv6", "-4"}, "--ipv6 and -4 contradict each other"},
	{{"-k", "--set", "tls.verify=yes"}, "-k and --set tls.verify contradict"},
	{{"--set", "tls.verify=yes", "-k"}, "--set tls.verify and -k contradict"},
	{{"-4", "-4"}, NULL},
	{{"-4", "--set", "target.addresses=v4"}, NULL},
	{{"-r5", "-r6"}, NULL},
	{{"-HA: 1", "-HB: 2"}, NULL},
};

START_TEST(contradicting_flags_are_both_named)
{
	struct options o = {0};
	struct err err = {0};
	int argc = 0, r;

	while (argc < 4 && contradictions[_i].words[argc])
		argc++;
	r = options_parse(&o, OPTIONS_PLAN, argc, (char *const *)contradictions[_i].words, &err);
	if (contradictions[_i].wanted) {
		ck_assert_int_eq(r, -EINVAL);
		ck_assert_msg(
			strstr(err.text, contradictions[_i].wanted) == err.text, "%s", err.text);
	} else {
		ck_assert_msg(r == 0, "%s", err.text);
	}
	options_fini(&o);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("options");
	Suite *suite = suite_create("options");

	tcase_add_loop_test(tcase, test_keys, 0, COUNT(keys));
	tcase_add_loop_test(tcase, test_keys_exist, 0, COUNT(keys));
	tcase_add_test(tcase, test_order_and_args);
	tcase_add_test(tcase, test_switches);
	tcase_add_test(tcase, test_origin_has_all_its_keys);
	tcase_add_loop_test(tcase, test_wrong, 0, COUNT(wrong));
	tcase_add_loop_test(tcase, contradicting_flags_are_both_named, 0, COUNT(contradictions));
	tcase_add_test(tcase, test_very_long_words);
	tcase_add_loop_test(tcase, test_hints, 0, COUNT(hints));
	tcase_add_test(tcase, test_hints_name_our_flags);
	tcase_add_loop_test(tcase, test_help, 0, (int)commands_n);
	tcase_add_loop_test(tcase, test_help_of_keys, 0, (int)options_flags_n);
	tcase_add_loop_test(tcase, test_flags_lead_to_keys, 0, (int)options_flags_n);
	tcase_add_test(tcase, test_commands);
	suite_add_tcase(suite, tcase);
	return suite_main(suite);
}
