/* SPDX-License-Identifier: Apache-2.0 */
/* What is seen while a run goes on.
 *
 * On a terminal it is one line that never wraps: its parts are added in the order of their worth as
 * long as they fit, and the bar takes what room is left. Figures are those of the newest interval,
 * never a moving average. Elsewhere it is one line each interval, with the same words at the same
 * places each time. The size is asked for each time: there is nothing to keep in step. */
#include "ctl/progress.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/result.h"
#include "common/str.h"
#include "ctl/figure.h"
#include "ctl/look.h"

#define PROGRESS_BAR_MIN 12u
#define PROGRESS_BAR_MAX 40u
#define PROGRESS_EIGHTHS 8u
/* On a narrower terminal figures are worth more than a bar. */
#define PROGRESS_BAR_ROOM 60u

static int64_t progress_int(const json_t *doc, const char *path)
{
	int64_t value = 0;

	/* So that the difference of two cannot overflow, whatever was sent. */
	if (!result_int(doc, path, &value) || value > INT64_MAX / 2 || value < -INT64_MAX / 2)
		return 0;
	return value;
}

/* Per second in the newest interval; negative: there is none. */
static double progress_rate(const json_t *doc, const char *path)
{
	int64_t width = progress_int(doc, "last.width_ns");

	return width > 0 ? (double)progress_int(doc, path) * NSEC_PER_SEC / (double)width : -1;
}

static struct figure progress_ms(const json_t *doc, const char *path)
{
	struct figure f = {"-"};
	int64_t ns;

	return result_int(doc, path, &ns) ? figure_value((double)ns / NSEC_PER_MSEC) : f;
}

/* ---------------------------------------------------------------- the bar */

/* Share of the plan that is over, 0..1; negative when nobody can know. */
static double progress_share(const json_t *doc)
{
	int64_t total = progress_int(doc, "total_ns");

	if (total <= 0)
		return -1;
	return fmin(1, fmax(0, (double)progress_int(doc, "elapsed_ns") / (double)total));
}

/* The parts behind the bar, most wanted first; each "" where it has nothing to say. */
#define PROGRESS_PARTS 8
#define PROGRESS_PART_SIZE 128
struct progress_parts {
	char texts[PROGRESS_PARTS][PROGRESS_PART_SIZE];
	unsigned n;
};

static void progress_add(struct progress_parts *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void progress_add(struct progress_parts *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(p->texts[p->n++], PROGRESS_PART_SIZE, format, args);
	va_end(args);
}

static void progress_collect(const json_t *doc, struct progress_parts *p)
{
	const char *state = result_text(doc, "run.state");
	double share = progress_share(doc);
	double sent = progress_rate(doc, "last.sent");
	int64_t failed = progress_int(doc, "failed");
	int64_t queue = progress_int(doc, "queue");

	if (!str_eq(state, "running"))
		progress_add(p, "%.20s", state);
	if (share >= 0)
		progress_add(p, "%3.0f %%", share * 100);
	if (sent >= 0)
		progress_add(p, "%s/s", figure_rate(sent).text);
	progress_add(p, "%s%s failed%s", failed ? LOOK_BAD : "",
		failed ? figure_count(failed).text : "0", failed ? LOOK_PLAIN : "");
	if (sent >= 0 && !json_is_null(result_at(doc, "last.p99_ns")))
		progress_add(p, "p99 %s ms", progress_ms(doc, "last.p99_ns").text);
	if (share >= 0 && str_eq(state, "running"))
		progress_add(p, "%s left",
			figure_clock(
				progress_int(doc, "total_ns") - progress_int(doc, "elapsed_ns"))
				.text);
	else
		progress_add(p, "%s", figure_clock(progress_int(doc, "elapsed_ns")).text);
	if (queue)
		progress_add(p, "%s waiting", figure_count(queue).text);
	else
		progress_add(p, "%s in flight", figure_count(progress_int(doc, "in_flight")).text);
}

static int progress_draw_bar(unsigned cells, double share, struct buf *ret)
{
	static const char *const eighths[PROGRESS_EIGHTHS] = {
		" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	unsigned full = (unsigned)(share * cells * PROGRESS_EIGHTHS);
	int r = buf_puts(ret, "[");

	for (unsigned i = 0; i < cells && r == 0; i++) {
		unsigned part = full > i * PROGRESS_EIGHTHS ? full - i * PROGRESS_EIGHTHS : 0;

		r = buf_puts(ret, part >= PROGRESS_EIGHTHS ? "█" : eighths[part]);
	}
	return r ? r : buf_puts(ret, "] ");
}

int progress_bar(const json_t *doc, const struct look *look, struct buf *ret)
{
	/* Not the last column: some terminals wrap there. */
	size_t room = look->width > 1 ? look->width - 1 : 1;
	const char *id = result_text(doc, "run.id");
	struct progress_parts parts = {0};
	double share = progress_share(doc);
	struct buf line = {0};
	unsigned used = 0;
	size_t width;
	int r = 0;

	progress_collect(doc, &parts);
	width = look_columns(id) + 2;
	if (share >= 0 && room >= PROGRESS_BAR_ROOM)
		width += PROGRESS_BAR_MIN + 3;
	while (used < parts.n) {
		size_t more = look_columns(parts.texts[used]) + (used ? 2 : 0);

		if (width + more > room)
			break;
		width += more;
		used++;
	}
	r = buf_printf(&line, "%s  ", id);
	if (r == 0 && share >= 0 && room >= PROGRESS_BAR_ROOM) {
		size_t cells = width < room ? room - width + PROGRESS_BAR_MIN : PROGRESS_BAR_MIN;

		cells = cells < PROGRESS_BAR_MAX ? cells : PROGRESS_BAR_MAX;
		r = progress_draw_bar((unsigned)cells, share, &line);
	}
	for (unsigned i = 0; i < used && r == 0; i++)
		r = buf_printf(&line, "%s%s", i ? "  " : "", parts.texts[i]);
	if (r == 0) {
		line.data[look_cut(line.data, room)] = '\0';
		r = look_render(look, line.data, ret);
	}
	buf_fini(&line);
	return r;
}

/* ---------------------------------------------------------------- the plain line */

static struct figure progress_number(double value)
{
	struct figure f = {"-"};

	if (value >= 0)
		(void)snprintf(f.text, sizeof(f.text), "%.10g", round(value * 10) / 10);
	return f;
}

/* Milliseconds with three significant digits and no commas. */
static struct figure progress_plain_ms(const json_t *doc, const char *path)
{
	struct figure f = progress_ms(doc, path);
	size_t to = 0;

	for (size_t i = 0; f.text[i]; i++) {
		if (f.text[i] != ',')
			f.text[to++] = f.text[i];
	}
	f.text[to] = '\0';
	return f;
}

int progress_plain(const json_t *doc, struct buf *ret)
{
	double asked = -1;

	if (progress_int(doc, "last.width_ns") <= 0)
		return 0;
	(void)result_real(doc, "asked_per_s", &asked);
	return buf_printf(ret,
		"%s asked %s sent %s ok %s fail %s p50 %s p99 %s inflight %" PRId64 " ours %s\n",
		figure_clock(progress_int(doc, "elapsed_ns")).text, progress_number(asked).text,
		progress_number(progress_rate(doc, "last.sent")).text,
		progress_number(progress_rate(doc, "last.ok")).text,
		progress_number(progress_rate(doc, "last.failed")).text,
		progress_plain_ms(doc, "last.p50_ns").text,
		progress_plain_ms(doc, "last.p99_ns").text, progress_int(doc, "in_flight"),
		progress_plain_ms(doc, "our_delay_p99_ns").text);
}

/* ---------------------------------------------------------------- drawing */

void progress_init(struct progress *p, int fd)
{
	*p = (struct progress){.fd = fd};
}

/* The daemon's figures are worth more than a reader of stderr that has gone. */
static void progress_write(const struct progress *p, const struct buf *text)
{
	if (text->len && write(p->fd, text->data, text->len) == -1)
		return;
}

void progress_redraw(struct progress *p)
{
	struct buf text = {0};
	struct look look;

	look_at(p->fd, &look);
	if (!p->newest || !look.terminal)
		return;
	if (buf_puts(&text, "\r") == 0 && progress_bar(p->newest, &look, &text) == 0 &&
		buf_puts(&text, "\033[K") == 0) {
		progress_write(p, &text);
		p->drawn = true;
	}
	buf_fini(&text);
}

/* A change of state alone brings the same interval once more. */
static bool progress_is_repeated(const json_t *old, const json_t *new)
{
	return old && !str_eq(result_text(old, "run.state"), result_text(new, "run.state")) &&
	       json_equal(json_object_get(old, "last"), json_object_get(new, "last"));
}

void progress_show(struct progress *p, json_t *doc)
{
	bool is_repeated = progress_is_repeated(p->newest, doc);
	struct buf text = {0};
	struct look look;

	json_incref(doc);
	json_decref(p->newest);
	p->newest = doc;
	look_at(p->fd, &look);
	if (look.terminal) {
		progress_redraw(p);
		return;
	}
	if (!is_repeated && progress_plain(doc, &text) == 0)
		progress_write(p, &text);
	buf_fini(&text);
}

void progress_clear(struct progress *p)
{
	struct buf text = {0};

	if (p->drawn && buf_puts(&text, "\r\033[K") == 0)
		progress_write(p, &text);
	p->drawn = false;
	buf_fini(&text);
}

void progress_fini(struct progress *p)
{
	progress_clear(p);
	json_decref(p->newest);
	p->newest = NULL;
}
