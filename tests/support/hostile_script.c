/* SPDX-License-Identifier: Apache-2.0 */
/* Words into steps. Each verb takes a fixed row of arguments, said in one table by a letter each,
 * so that no separator is needed: n a number, d a duration, t a text, c how a cut ends, b a block.
 * A block's steps lie after the step they belong to, which counts them; nothing here is a tree. */
#include "tests/support/hostile_script.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/units.h"

#define HOSTILE_TEXT_MAX 65536
#define HOSTILE_DEPTH_MAX 8

static const struct {
	const char *name;
	const char *arguments;
} hostile_verbs[HOSTILE_VERB_COUNT] = {
	[HOSTILE_ACCEPT] = {"accept", "n"},
	[HOSTILE_ALERT] = {"alert", ""},
	[HOSTILE_ALPN] = {"alpn", "t"},
	[HOSTILE_CLOSE] = {"close", ""},
	[HOSTILE_CUT] = {"cut", "nc"},
	[HOSTILE_DELAY] = {"delay", "d"},
	[HOSTILE_FIN] = {"fin", ""},
	[HOSTILE_FOREVER] = {"forever", "b"},
	[HOSTILE_GOODBYE] = {"goodbye", ""},
	[HOSTILE_HANDSHAKE] = {"handshake", ""},
	[HOSTILE_HANG] = {"hang", ""},
	[HOSTILE_KEY_UPDATE] = {"key-update", ""},
	[HOSTILE_RAW] = {"raw", "t"},
	[HOSTILE_READ_NOT] = {"read-not", ""},
	[HOSTILE_RENEGOTIATE] = {"renegotiate", ""},
	[HOSTILE_REPEAT] = {"repeat", "nb"},
	[HOSTILE_REQUEST] = {"request", ""},
	[HOSTILE_RST] = {"rst", ""},
	[HOSTILE_SEND] = {"send", "t"},
	[HOSTILE_SEND_SLOWLY] = {"send-slowly", "ndt"},
};

static const char *const hostile_cuts[] = {
	[HOSTILE_CUT_RST] = "rst", [HOSTILE_CUT_FIN] = "fin", [HOSTILE_CUT_HANG] = "hang"};

struct hostile_parser {
	struct hostile_script *script;
	const char *at;
	struct err *err;
	/* the present word, without its quotes */
	char *word; /* HOSTILE_TEXT_MAX */
	size_t len;
	bool was_quoted;
};

/* ---------------------------------------------------------------- words */

static int hostile_hex(char c)
{
	return isdigit((unsigned char)c)    ? c - '0'
	       : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
					    : -1;
}

/* One character of a quoted text. */
static int hostile_escape(struct hostile_parser *p, char *ret)
{
	static const char letters[] = "rnt0\\\"", meanings[] = "\r\n\t\0\\\"";
	const char *found;

	if (*p->at != '\\') {
		*ret = *p->at++;
		return 0;
	}
	p->at++;
	if (p->at[0] == 'x' && hostile_hex(p->at[1]) >= 0 && hostile_hex(p->at[2]) >= 0) {
		*ret = (char)(hostile_hex(p->at[1]) * 16 + hostile_hex(p->at[2]));
		p->at += 3;
		return 0;
	}
	found = *p->at ? strchr(letters, *p->at) : NULL;
	if (!found) {
		err_set(p->err, "\\%c is none of \\r \\n \\t \\0 \\xNN \\\\ \\\"", *p->at);
		return -EINVAL;
	}
	*ret = meanings[found - letters];
	p->at++;
	return 0;
}

/* The next word; len 0 and not quoted: the end. */
static int hostile_next(struct hostile_parser *p)
{
	int r = 0;

	p->len = 0;
	while (isspace((unsigned char)*p->at) || *p->at == '#')
		p->at += *p->at == '#' ? strcspn(p->at, "\n") : 1;
	p->was_quoted = *p->at == '"';
	p->at += p->was_quoted;
	while (r == 0 && p->len < HOSTILE_TEXT_MAX - 1) {
		bool ends = p->was_quoted ? *p->at == '"' || *p->at == '\0'
					  : isspace((unsigned char)*p->at) || *p->at == '\0';

		if (ends)
			break;
		if (p->was_quoted)
			r = hostile_escape(p, &p->word[p->len++]);
		else
			p->word[p->len++] = *p->at++;
	}
	p->word[p->len] = '\0';
	if (r == 0 && p->was_quoted && *p->at++ != '"') {
		err_set(p->err, "a text without its end, or too long: \"%.20s", p->word);
		return -EINVAL;
	}
	return r;
}

static bool hostile_is(const struct hostile_parser *p, const char *word)
{
	return !p->was_quoted && strcmp(p->word, word) == 0;
}

/* ---------------------------------------------------------------- steps */

static int hostile_parse_number(struct hostile_parser *p, struct hostile_step *step)
{
	char *end;

	if (hostile_is(p, "index")) {
		step->number = HOSTILE_INDEX;
		return 0;
	}
	step->number = strtoull(p->word, &end, 10);
	return *end == '\0' && isdigit((unsigned char)p->word[0]) ? 0 : -EINVAL;
}

static int hostile_parse_cut(struct hostile_parser *p, struct hostile_step *step)
{
	for (size_t i = 0; i < sizeof(hostile_cuts) / sizeof(*hostile_cuts); i++)
		if (hostile_is(p, hostile_cuts[i])) {
			step->how = (enum hostile_cut)i;
			return 0;
		}
	return -EINVAL;
}

static int hostile_parse_argument(struct hostile_parser *p, char kind, struct hostile_step *step)
{
	int r = hostile_next(p);

	if (r < 0)
		return r;
	switch (kind) {
	case 'n':
		r = hostile_parse_number(p, step);
		break;
	case 'd':
		r = units_parse_time(p->word, &step->time_ns);
		break;
	case 'c':
		r = hostile_parse_cut(p, step);
		break;
	default:
		r = p->len > 0 || p->was_quoted ? 0 : -EINVAL;
		step->text = malloc(p->len + 1);
		if (!step->text)
			return -ENOMEM;
		memcpy(step->text, p->word, p->len + 1);
		step->len = p->len;
	}
	if (r != 0)
		err_set(p->err, "%s: bad argument '%s'", hostile_verbs[step->verb].name, p->word);
	return r != 0 ? -EINVAL : 0;
}

static int hostile_add(struct hostile_script *s, enum hostile_verb verb)
{
	if (s->n_steps == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 16;
		struct hostile_step *steps = realloc(s->steps, cap * sizeof(*steps));

		if (!steps)
			return -ENOMEM;
		s->steps = steps;
		s->cap = cap;
	}
	s->steps[s->n_steps++] = (struct hostile_step){.verb = verb};
	return 0;
}

static int hostile_parse_block(struct hostile_parser *p, unsigned depth);

/* The present word is a verb. */
static int hostile_parse_step(struct hostile_parser *p, unsigned depth)
{
	size_t at = p->script->n_steps;
	enum hostile_verb verb = 0;
	int r;

	while (verb < HOSTILE_VERB_COUNT && !hostile_is(p, hostile_verbs[verb].name))
		verb++;
	if (verb == HOSTILE_VERB_COUNT || (verb == HOSTILE_ACCEPT && at > 0)) {
		err_set(p->err, "no such word here: '%s'", p->word);
		return -EINVAL;
	}
	r = hostile_add(p->script, verb);
	for (const char *a = hostile_verbs[verb].arguments; *a && r == 0; a++) {
		if (*a != 'b') {
			r = hostile_parse_argument(p, *a, &p->script->steps[at]);
			continue;
		}
		r = hostile_next(p);
		if (r == 0 && (!hostile_is(p, "{") || depth == HOSTILE_DEPTH_MAX)) {
			err_set(p->err, "%s: no { behind it", hostile_verbs[verb].name);
			r = -EINVAL;
		}
		if (r == 0)
			r = hostile_parse_block(p, depth + 1);
		p->script->steps[at].n_inner = p->script->n_steps - at - 1;
	}
	return r;
}

static int hostile_parse_block(struct hostile_parser *p, unsigned depth)
{
	for (;;) {
		int r = hostile_next(p);
		bool is_end = p->len == 0 && !p->was_quoted;

		if (r < 0)
			return r;
		if (is_end ? depth == 0 : depth > 0 && hostile_is(p, "}"))
			return 0;
		if (is_end) {
			err_set(p->err, "a } is missing");
			return -EINVAL;
		}
		r = hostile_parse_step(p, depth);
		if (r < 0)
			return r;
	}
}

int hostile_script_parse(struct hostile_script *s, const char *text, struct err *reterr)
{
	struct hostile_parser p = {.script = s, .at = text, .err = reterr};
	int r;

	*s = (struct hostile_script){0};
	p.word = malloc(HOSTILE_TEXT_MAX);
	r = p.word ? hostile_parse_block(&p, 0) : -ENOMEM;
	free(p.word);
	if (r < 0)
		hostile_script_fini(s);
	return r;
}

void hostile_script_fini(struct hostile_script *s)
{
	for (size_t i = 0; i < s->n_steps; i++)
		free(s->steps[i].text);
	free(s->steps);
	*s = (struct hostile_script){0};
}

bool hostile_script_has(const struct hostile_script *s, enum hostile_verb verb)
{
	for (size_t i = 0; i < s->n_steps; i++)
		if (s->steps[i].verb == verb)
			return true;
	return false;
}
