/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a run file that are more than a number with a unit. Each grammar has one reader, which
 * the key table names: it reads a value into its field, and reports what is wrong with a bad
 * one. */
#include "common/plan/plan_values.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/plan/plan.h"
#include "common/plan/plan_keys.h"
#include "common/str.h"
#include "common/units.h"
#include "common/url.h"

#define PLAN_BLANKS " \t"
#define PLAN_PATH_MAX 4095
#define PLAN_HOST_MAX 253
#define PLAN_CREDENTIAL_MAX 255 /* NAME_MAX */
#define PLAN_GAP_MAX_NS (10 * NSEC_PER_MSEC)
#define PLAN_LABEL_NAME_MAX 64 /* limit of str_is_name */
#define PLAN_LABEL_TEXT_MAX 256
#define PLAN_LABELS_MAX 64

int plan_parse_url(const char *value, void *field, struct err *reterr)
{
	struct plan *p = field;
	struct url url = {0};
	char *text;
	int r;

	r = url_parse(value, &url, reterr);
	if (r)
		return r;
	text = p ? strdup(value) : NULL;
	if (!text) {
		url_fini(&url);
		return p ? -ENOMEM : 0;
	}
	plan_clear_url(p);
	p->url = url;
	p->url_text = text;
	return 0;
}

void plan_clear_url(void *field)
{
	struct plan *p = field;

	url_fini(&p->url);
	p->url_text = str_wipe(p->url_text);
}

/* ---- [tls] ---- */

bool plan_is_credential(const char *name)
{
	return *name && strlen(name) <= PLAN_CREDENTIAL_MAX && !strchr(name, '/') &&
	       !str_eq(name, ".") && !str_eq(name, "..") && plan_is_field_value(name, strlen(name));
}

static int plan_refuse_credential(const char *word, struct err *reterr)
{
	err_set(reterr,
		"'%.60s' is not a credential: write cred:NAME, without a '/', as in cred:token",
		word);
	return -EINVAL;
}

int plan_check_path(const char *value, struct err *reterr)
{
	if (!*value || value[0] == '@') {
		err_set(reterr, "'%.60s' is not a file: write its path, without an @, as in ca.pem",
			value);
		return -EINVAL;
	}
	if (plan_credential(value) && !plan_is_credential(plan_credential(value)))
		return plan_refuse_credential(value, reterr);
	if (!plan_is_field_value(value, strlen(value)) || strlen(value) > PLAN_PATH_MAX) {
		err_set(reterr,
			"the path has a control character, or more than %d bytes: write another "
			"one",
			PLAN_PATH_MAX);
		return -EINVAL;
	}
	return 0;
}

int plan_check_server_name(const char *value, struct err *reterr)
{
	static const char known[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._";
	struct in6_addr address;
	size_t len = strlen(value);

	if (inet_pton(AF_INET6, value, &address) == 1)
		return 0;
	if (!len || len > PLAN_HOST_MAX || value[0] == '.' || value[strspn(value, known)]) {
		err_set(reterr,
			"'%.60s' is not a server's name: write a host or an address, without a "
			"port, as in shop.test",
			value);
		return -EINVAL;
	}
	return 0;
}

/* ---- the scale of all rates ---- */

int plan_parse_scale(const char *value, void *field, struct err *reterr)
{
	const char *number = value + (value[0] == 'x');
	bool is_negative = number[0] == '-';
	struct rate scale = {0, 1};
	int r;

	/* The grammar of a rate without its units: exact, at most six decimals and ten million. */
	number += is_negative;
	r = number[strspn(number, "0123456789.")] ? UNITS_E_SYNTAX
						  : units_parse_rate(number, &scale);
	if (r == UNITS_E_RANGE || (r == 0 && (is_negative || scale.num == 0))) {
		err_set(reterr,
			"'%.60s' is out of range: x0.000001..x10000000, with at most six decimals",
			value);
		return -EINVAL;
	}
	if (r) {
		err_set(reterr,
			"'%.60s' is not a scale: write x and a number above 0, as in x0.1 or x2",
			value);
		return -EINVAL;
	}
	if (field)
		*(struct rate *)field = scale;
	return 0;
}

int plan_parse_new_rate(const char *value, struct rate *ret, bool *ret_is_scale, struct err *reterr)
{
	struct key key = *keys_find(&plan_keys, "load", "rate");
	struct rate rate;

	*ret_is_scale = value[0] == 'x';
	if (*ret_is_scale)
		return plan_parse_scale(value, ret, reterr);
	/* It is refused where it is carried out, with other words: a pause may be meant. */
	if (units_parse_rate(value, &rate) == 0 && rate.num == 0) {
		*ret = rate;
		return 0;
	}
	key.word = "x1.1 of the present one";
	return keys_parse(&key, value, ret, reterr);
}

/* ---- how arrivals are spaced, and met ---- */

/* A number from 0 to 1, or a percentage; exact to six decimals. */
static bool plan_parse_part(const char *text, double *ret)
{
	struct rate part;

	if (!units_parse_share(text, ret))
		return true;
	if (text[strspn(text, "0123456789.")] || units_parse_rate(text, &part) ||
		part.num > part.den)
		return false;
	*ret = rate_per_s(part);
	return true;
}

int plan_parse_arrivals(const char *value, void *field, struct err *reterr)
{
	static const char prefix[] = "jitter:";
	struct plan *p = field;
	double jitter = 0;
	unsigned arrivals;

	if (str_eq(value, "constant")) {
		arrivals = PLAN_CONSTANT;
	} else if (str_eq(value, "poisson")) {
		arrivals = PLAN_POISSON;
	} else if (!strncmp(value, prefix, strlen(prefix)) &&
		   plan_parse_part(value + strlen(prefix), &jitter)) {
		arrivals = PLAN_JITTER;
	} else if (!strncmp(value, "jitter", strlen("jitter"))) {
		err_set(reterr,
			"'%.60s' is not a jitter: write a share of the gap from 0 to 1, as in "
			"jitter:0.3",
			value);
		return -EINVAL;
	} else {
		err_set(reterr,
			"'%.60s' is not a known value: write constant, poisson or jitter:SHARE, as "
			"in jitter:0.3",
			value);
		return -EINVAL;
	}
	if (p) {
		p->arrivals = arrivals;
		p->jitter = jitter;
	}
	return 0;
}

int plan_parse_gap(const char *value, void *field, struct err *reterr)
{
	int64_t ns = -1;

	if (!str_eq(value, "auto") && (units_parse_time(value, &ns) || ns > PLAN_GAP_MAX_NS)) {
		err_set(reterr, "'%.60s' is not a gap: write auto, or 0 to 10ms, as in 50us",
			value);
		return -EINVAL;
	}
	if (field)
		*(int64_t *)field = ns;
	return 0;
}

/* ---- labels ---- */

static int plan_check_label(const char *value, size_t len,
	char name[static PLAN_LABEL_NAME_MAX + 1], struct err *reterr)
{
	const char *text = value + len + (value[len] == '=');

	name[0] = '\0';
	if (len <= PLAN_LABEL_NAME_MAX) {
		memcpy(name, value, len);
		name[len] = '\0';
	}
	if (value[len] != '=' || !str_is_name(name)) {
		err_set(reterr, "'%.60s' is not a label: write NAME=TEXT, as in commit=1f2e3d4",
			value);
		return -EINVAL;
	}
	if (strlen(text) > PLAN_LABEL_TEXT_MAX || !plan_is_field_value(text, strlen(text))) {
		err_set(reterr,
			"label %s: its text has a control character, or more than %d bytes: write "
			"a shorter one",
			name, PLAN_LABEL_TEXT_MAX);
		return -EINVAL;
	}
	return 0;
}

static int plan_set_label(struct plan *p, const char *name, const char *text, struct err *reterr)
{
	struct plan_label label = {0}, *labels;

	for (size_t i = 0; i < p->n_labels; i++) {
		char *copy;

		if (!str_eq(p->labels[i].name, name))
			continue;
		copy = strdup(text);
		if (!copy)
			return -ENOMEM;
		free(p->labels[i].text);
		p->labels[i].text = copy;
		return 0;
	}
	if (p->n_labels == PLAN_LABELS_MAX) {
		err_set(reterr, "more than %d labels: remove some of them", PLAN_LABELS_MAX);
		return -EINVAL;
	}
	labels = reallocarray(p->labels, p->n_labels + 1, sizeof(*labels));
	if (!labels)
		return -ENOMEM;
	p->labels = labels;
	label.name = strdup(name);
	label.text = strdup(text);
	if (!label.name || !label.text) {
		free(label.name);
		free(label.text);
		return -ENOMEM;
	}
	labels[p->n_labels++] = label;
	return 0;
}

int plan_parse_label(const char *value, void *field, struct err *reterr)
{
	char name[PLAN_LABEL_NAME_MAX + 1];
	size_t len = strcspn(value, "=");
	int r = plan_check_label(value, len, name, reterr);

	return r || !field ? r : plan_set_label(field, name, value + len + 1, reterr);
}

void plan_clear_labels(void *field)
{
	struct plan *p = field;

	for (size_t i = 0; i < p->n_labels; i++) {
		free(p->labels[i].name);
		free(p->labels[i].text);
	}
	free(p->labels);
	p->labels = NULL;
	p->n_labels = 0;
}

/* ---- text, files and credentials ---- */

static const char *plan_last_word(const char *value)
{
	const char *word = value;

	for (const char *p = value; *p; p++)
		if ((*p == ' ' || *p == '\t') && p[1])
			word = p + 1;
	return word;
}

const char *plan_file_reference(const char *value, size_t *ret_text_len)
{
	const char *word = plan_last_word(value);
	const char *credential = plan_credential(word);
	const char *name = NULL;

	if (credential && plan_is_credential(credential))
		name = word;
	else if (word[0] == '@' && word[1] && word[1] != '@' && !plan_credential(word + 1))
		name = word + 1;
	if (ret_text_len)
		*ret_text_len = name ? (size_t)(word - value) : strlen(value);
	return name;
}

const char *plan_literal_word(const char *value)
{
	const char *word = plan_last_word(value);

	return word[0] == '@' && word[1] == '@' ? word : NULL;
}

int plan_check_body(const char *value, struct err *reterr)
{
	const char *word = plan_last_word(value);

	if (word[0] == '@' && plan_credential(word + 1)) {
		err_set(reterr,
			"'%.60s': write %.60s for the credential, @./%.60s for a file of that name",
			word, word + 1, word + 1);
		return -EINVAL;
	}
	if (plan_credential(word) && !plan_is_credential(plan_credential(word)))
		return plan_refuse_credential(word, reterr);
	return 0;
}

/* ---- methods and headers: RFC 9110 sections 5.1, 5.5, 5.6.2 and 9.1 ---- */

static bool plan_is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static size_t plan_token_len(const char *text)
{
	size_t n = 0;

	while (plan_is_token_char(text[n]))
		n++;
	return n;
}

int plan_check_method(const char *value, struct err *reterr)
{
	size_t n = plan_token_len(value);

	if (!n || value[n]) {
		err_set(reterr, "'%.60s' is not a method: write a word, as in GET or POST", value);
		return -EINVAL;
	}
	if (str_eq(value, "CONNECT")) {
		err_set(reterr, "CONNECT is not supported: it opens a tunnel");
		return -EINVAL;
	}
	return 0;
}

bool plan_is_field_value(const char *value, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)value[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

size_t plan_split_header(const char *value, const char **ret_value)
{
	size_t n = plan_token_len(value);

	*ret_value = value[n] == ':' ? value + n + 1 + strspn(value + n + 1, PLAN_BLANKS) : NULL;
	return n;
}

int plan_check_header(const char *value, struct err *reterr)
{
	size_t n = plan_token_len(value);
	const char *text;

	if (!n || value[n] != ':') {
		err_set(reterr,
			"'%.60s' is not a header: write NAME: VALUE, as in Accept: text/html",
			value);
		return -EINVAL;
	}
	plan_split_header(value, &text);
	if (!plan_is_field_value(text, strlen(text))) {
		err_set(reterr, "header %.*s has a control character in its value", (int)n, value);
		return -EINVAL;
	}
	if (n == strlen("transfer-encoding") && !strncasecmp(value, "transfer-encoding", n)) {
		err_set(reterr, "Transfer-Encoding belongs to how a body is sent: write "
				"chunked = 16KiB (--set defaults.chunked=16KiB)");
		return -EINVAL;
	}
	return plan_check_body(text, reterr);
}

int plan_check_expect_header(const char *value, struct err *reterr)
{
	size_t n = plan_token_len(value);

	if (!n || (value[n] && value[n] != ':')) {
		err_set(reterr,
			"'%.60s' is not a header: write NAME, or NAME: VALUE, as in "
			"Content-Type: text/html",
			value);
		return -EINVAL;
	}
	if (!plan_is_field_value(value, strlen(value))) {
		err_set(reterr, "header %.*s has a control character in its value", (int)n, value);
		return -EINVAL;
	}
	return 0;
}
