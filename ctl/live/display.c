/* SPDX-License-Identifier: Apache-2.0 */
/* The display during a run. On a terminal it is a block of lines at the bottom of the scrollback.
 * The cursor stays after its last line; the next picture moves up by the rows of the one before and
 * overwrites it in one write, clearing the rest of each line, so that nothing flickers. The rows
 * are counted anew at the present width, since a terminal that has become narrower breaks old
 * lines. Between two answers the picture is drawn once a second: its clocks go on.
 *
 * Where there is no room for the view it is one line that never wraps: its parts are added in the
 * order of their worth as long as they fit, and the bar takes what room is left. Figures are those
 * of the newest interval, never a moving average. Elsewhere it is one line each interval, with the
 * same words at the same places each time. The size is asked for each time: there is nothing to
 * keep in step. */
#include "ctl/live/display.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/figure.h"
#include "common/str.h"
#include "ctl/style.h"
#include "ctl/print.h"
#include "ctl/live/view.h"
#include "ctl/live/view_read.h"
#include "ctl/live/view_rules.h"

#define DISPLAY_BAR_MIN 12u
#define DISPLAY_BAR_MAX 40u
/* On a narrower terminal figures are worth more than a bar. */
#define DISPLAY_BAR_ROOM 60u
#define DISPLAY_TICK_NS NSEC_PER_SEC
/* In front of lines on stderr; inside the view it is clear who speaks. */
#define DISPLAY_NAME "rpsctl: "

static struct figure display_ms(int64_t ns)
{
	struct figure f = {"-"};

	return result_is_known(ns) ? figure_value((double)ns / NSEC_PER_MSEC) : f;
}

/* ---------------------------------------------------------------- the bar */

/* The parts after the bar, most important first; each "" if it is empty. */
#define DISPLAY_PARTS 8
#define DISPLAY_PART_SIZE 128
struct display_parts {
	char texts[DISPLAY_PARTS][DISPLAY_PART_SIZE];
	unsigned n;
};

static void display_add(struct display_parts *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void display_add(struct display_parts *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(p->texts[p->n++], DISPLAY_PART_SIZE, format, args);
	va_end(args);
}

static void display_collect(const struct progress *doc, struct display_parts *p)
{
	const char *state = result_words(doc->run.state);
	double share = view_share(doc, view_int(doc->elapsed_ns));
	double sent = view_rate(doc, doc->last.sent);
	int64_t total_ns = view_int(doc->total_ns);
	int64_t failed = view_int(doc->failed);
	int64_t queue = view_int(doc->queue);

	if (!str_eq(state, "running"))
		display_add(p, "%.20s", state);
	if (share >= 0)
		display_add(p, "%3.0f %%", share * 100);
	if (sent >= 0)
		display_add(p, "%s/s", figure_rate(sent).text);
	display_add(p, "%s%s failed%s", failed ? STYLE_BAD : "",
		failed ? figure_count(failed).text : "0", failed ? STYLE_PLAIN : "");
	if (sent >= 0 && result_is_known(doc->last.p99_ns))
		display_add(p, "p99 %s ms", display_ms(doc->last.p99_ns).text);
	if (total_ns > 0 && str_eq(state, "running"))
		display_add(p, "%s left", figure_clock(total_ns - view_int(doc->elapsed_ns)).text);
	else
		display_add(p, "%s", figure_clock(view_int(doc->elapsed_ns)).text);
	if (queue)
		display_add(p, "%s waiting", figure_count(queue).text);
	else
		display_add(p, "%s in flight", figure_count(view_int(doc->in_flight)).text);
}

int display_bar(const struct progress *doc, const struct style *style, struct buf *ret)
{
	/* Not the last column: some terminals wrap there. */
	size_t room = style->width > 1 ? style->width - 1 : 1;
	const char *id = result_words(doc->run.id);
	struct display_parts parts = {0};
	double share = view_share(doc, view_int(doc->elapsed_ns));
	struct buf line = {0};
	unsigned used = 0;
	size_t width;
	int r = 0;

	display_collect(doc, &parts);
	width = style_columns(id) + 2;
	if (share >= 0 && room >= DISPLAY_BAR_ROOM)
		width += DISPLAY_BAR_MIN + 3;
	while (used < parts.n) {
		size_t more = style_columns(parts.texts[used]) + (used ? 2 : 0);

		if (width + more > room)
			break;
		width += more;
		used++;
	}
	r = buf_printf(&line, "%s  ", id);
	if (r == 0 && share >= 0 && room >= DISPLAY_BAR_ROOM) {
		size_t cells = width < room ? room - width + DISPLAY_BAR_MIN : DISPLAY_BAR_MIN;

		cells = cells < DISPLAY_BAR_MAX ? cells : DISPLAY_BAR_MAX;
		r = view_draw_bar((unsigned)cells, share, &line);
		if (r == 0)
			r = buf_puts(&line, " ");
	}
	for (unsigned i = 0; i < used && r == 0; i++)
		r = buf_printf(&line, "%s%s", i ? "  " : "", parts.texts[i]);
	if (r == 0) {
		line.data[style_cut(line.data, room)] = '\0';
		r = style_render(style, line.data, ret);
	}
	buf_fini(&line);
	return r;
}

/* ---------------------------------------------------------------- the plain line */

static struct figure display_number(double value)
{
	struct figure f = {"-"};

	if (value >= 0)
		(void)snprintf(f.text, sizeof(f.text), "%.10g", round(value * 10) / 10);
	return f;
}

/* Milliseconds with three significant digits and no commas. */
static struct figure display_plain_ms(int64_t ns)
{
	struct figure f = display_ms(ns);
	size_t to = 0;

	for (size_t i = 0; f.text[i]; i++) {
		if (f.text[i] != ',')
			f.text[to++] = f.text[i];
	}
	f.text[to] = '\0';
	return f;
}

/* " (3 sent so far)" of a rate with less than one request in an interval: "sent 0" is then no
 * fault. */
static struct figure display_so_far(const struct progress *doc, double asked)
{
	double due = asked * (double)view_int(doc->last.width_ns) / NSEC_PER_SEC;
	struct figure f = {""};

	if (due > 0 && due < 1)
		(void)snprintf(f.text, sizeof(f.text), " (%.20s sent so far)",
			figure_count(view_int(doc->sent)).text);
	return f;
}

/* All of it is of the newest interval, but for what is in flight now. The percentiles are those of
 * the newest interval whose requests have all ended. */
int display_plain(const struct progress *doc, struct buf *ret)
{
	double asked = view_is_closed(doc) ? -1 : doc->asked_per_s;
	const char *rules = view_worst_rule(doc);

	if (view_int(doc->last.width_ns) <= 0)
		return 0;
	return buf_printf(ret,
		"%s asked %s sent %s ok %s fail %s p50 %s p99 %s inflight %" PRId64
		" ours %s%s%s%s\n",
		figure_clock(view_int(doc->elapsed_ns)).text, display_number(asked).text,
		display_number(view_rate(doc, doc->last.sent)).text,
		display_number(view_rate(doc, doc->last.ok)).text,
		display_number(view_rate(doc, doc->last.failed)).text,
		display_plain_ms(doc->last.p50_ns).text, display_plain_ms(doc->last.p99_ns).text,
		view_int(doc->in_flight), display_plain_ms(doc->last.our_delay_p99_ns).text,
		*rules ? " rules " : "", rules, display_so_far(doc, asked).text);
}

/* ---------------------------------------------------------------- drawing */

void display_init(struct display *p, int fd)
{
	*p = (struct display){0};
	progress_init(&p->newest);
	terminal_init(&p->terminal, STDIN_FILENO, fd);
}

static bool display_has_news(const struct display *p)
{
	return p->newest.is == RESULT_IS_THERE;
}

/* The daemon's figures are worth more than a reader of stderr that has gone. */
static void display_write(struct display *p, const struct buf *text)
{
	size_t done = 0;

	while (done < text->len) {
		ssize_t n = write(p->terminal.out, text->data + done, text->len - done);

		if (n <= 0) {
			p->lost = n == -1 ? -errno : -EIO;
			return;
		}
		done += (size_t)n;
	}
}

/* The rows that the picture takes at this width: where lines break, they take more. */
static size_t display_rows(const struct display *p, unsigned width)
{
	size_t rows = 0;

	for (unsigned i = 0; i < p->n_drawn; i++)
		rows += p->drawn[i] > width ? (p->drawn[i] + width - 1) / width : 1;
	return rows;
}

/* To the first column of the picture's first line. */
static int display_go_up(const struct display *p, unsigned width, struct buf *out)
{
	size_t rows = display_rows(p, width);

	if (rows > 1)
		return buf_printf(out, "\r\033[%zuA", rows - 1);
	return buf_puts(out, "\r");
}

/* Columns of a finished line, colours not counted. */
static size_t display_columns(const char *line, size_t len)
{
	size_t columns = 0;
	size_t i = 0;

	while (i < len) {
		if (line[i] == '\033') {
			while (i < len && line[i] != 'm')
				i++;
		} else if (((unsigned char)line[i] & 0xc0) != 0x80) {
			columns++;
		}
		i++;
	}
	return columns;
}

/* text: whole lines. Writes them over the old picture. */
static int display_paint(
	struct display *p, const struct style *style, const char *text, struct buf *out)
{
	int r = display_go_up(p, style->width, out);

	p->n_drawn = 0;
	while (*text && r == 0 && p->n_drawn < DISPLAY_LINES_MAX) {
		size_t len = strcspn(text, "\n");

		if (p->n_drawn)
			r = buf_puts(out, "\r\n");
		p->drawn[p->n_drawn++] = display_columns(text, len);
		if (r == 0)
			r = buf_append(out, text, len);
		if (r == 0)
			r = buf_puts(out, "\033[K");
		text += text[len] ? len + 1 : len;
	}
	return r ? r : buf_puts(out, "\033[J");
}

static int display_compose(const struct display *p, const struct style *style, struct buf *ret)
{
	const struct view view = {
		.progress = &p->newest,
		.age_ns = clock_now_ns() - p->newest_at_ns,
		.history = &p->history,
		.skipped = p->skipped,
		.rows = terminal_rows(&p->terminal),
		.is_watching = p->is_watching,
		.has_keys = p->terminal.has_keys,
		.may_steer = p->may_steer,
		.shows_events = p->shows_events,
		.shows_help = p->shows_help,
		.message = *p->message ? p->message : NULL,
	};

	return view_fits(style, view.rows) ? view_compose(&view, style, ret)
					   : display_bar(&p->newest, style, ret);
}

void display_redraw(struct display *p)
{
	struct buf text = {0};
	struct buf out = {0};
	struct style style;

	p->drawn_at_ns = clock_now_ns();
	style_of(p->terminal.out, &style);
	if (!display_has_news(p) || !style.terminal || !terminal_is_in_front(&p->terminal))
		return;
	terminal_enter(&p->terminal);
	if (display_compose(p, &style, &text) == 0 && text.len &&
		display_paint(p, &style, text.data, &out) == 0)
		display_write(p, &out);
	buf_fini(&text);
	buf_fini(&out);
}

static bool display_is_same_count(const struct progress *old, const struct progress *new)
{
	const struct progress_last *a = &old->last, *b = &new->last;

	return old->planned == new->planned && old->sent == new->sent && old->ok == new->ok &&
	       old->failed == new->failed && a->width_ns == b->width_ns &&
	       a->planned == b->planned && a->sent == b->sent && a->ok == b->ok &&
	       a->failed == b->failed;
}

/* A change of state alone brings the same interval once more, perhaps with other quantiles: they
 * are those of the newest interval that has ended, and may be unknown by then. Where the totals
 * have grown too, an interval has ended that happens to have the counts of the one before. */
static bool display_is_repeated(const struct progress *old, const struct progress *new)
{
	if (str_eq(result_words(old->run.state), result_words(new->run.state)))
		return false;
	return memcmp(&old->last, &new->last, sizeof(old->last)) == 0 ||
	       display_is_same_count(old, new);
}

void display_show(struct display *p, struct progress *now, uint64_t skipped)
{
	bool is_repeated = display_has_news(p) && display_is_repeated(&p->newest, now);
	struct buf text = {0};
	struct style style;

	progress_fini(&p->newest);
	p->newest = *now;
	progress_init(now);
	p->newest_at_ns = clock_now_ns();
	p->skipped += skipped;
	view_history_skip(&p->history, skipped);
	if (!is_repeated)
		view_history_add(&p->history, &p->newest);
	style_of(p->terminal.out, &style);
	if (style.terminal) {
		display_redraw(p);
		return;
	}
	if (!is_repeated && display_plain(&p->newest, &text) == 0)
		display_write(p, &text);
	buf_fini(&text);
}

void display_show_last(struct display *p, struct progress *now, uint64_t skipped)
{
	int64_t planned = view_int(now->last.planned);
	struct style style;

	style_of(p->terminal.out, &style);
	if (display_has_news(p) && !style.terminal && planned > 0 &&
		view_int(p->newest.planned) + planned <= view_int(now->planned))
		display_show(p, now, skipped > 0 ? skipped - 1 : 0);
}

void display_say(struct display *p, const char *text)
{
	int len = (int)strcspn(text, "\n");
	struct style style;

	style_of(p->terminal.out, &style);
	if (p->n_drawn > 1 && view_fits(&style, terminal_rows(&p->terminal))) {
		size_t name = str_starts(text, DISPLAY_NAME) ? strlen(DISPLAY_NAME) : 0;

		(void)snprintf(
			p->message, sizeof(p->message), "%.*s", len - (int)name, text + name);
		display_redraw(p);
		return;
	}
	display_clear(p);
	print_errf("%.*s\n", len, text);
}

void display_say_stopping(struct display *p, const char *rest)
{
	char text[sizeof(p->message)];

	(void)snprintf(text, sizeof(text), "stopping%s%s", view_awaits(&p->newest), rest);
	display_say(p, text);
}

void display_clear(struct display *p)
{
	struct buf text = {0};
	struct style style;

	style_of(p->terminal.out, &style);
	if (p->n_drawn && terminal_is_in_front(&p->terminal) &&
		display_go_up(p, style.width, &text) == 0 && buf_puts(&text, "\033[J") == 0)
		display_write(p, &text);
	p->n_drawn = 0;
	buf_fini(&text);
}

void display_fini(struct display *p)
{
	display_clear(p);
	terminal_leave(&p->terminal);
	progress_fini(&p->newest);
}

/* ---------------------------------------------------------------- time, keys, job control */

int display_wait_ms(const struct display *p)
{
	int64_t left_ns = p->drawn_at_ns + DISPLAY_TICK_NS - clock_now_ns();

	if (!p->terminal.is_ours)
		return -1;
	return left_ns > 0 ? (int)(left_ns / NSEC_PER_MSEC) + 1 : 0;
}

void display_tick(struct display *p)
{
	if (display_wait_ms(p) == 0)
		display_redraw(p);
}

int display_key_fd(const struct display *p)
{
	return terminal_key_fd(&p->terminal);
}

static enum display_key display_steering_key(char key)
{
	switch (key) {
	case 'p':
		return DISPLAY_PAUSE;
	case '+':
	case '=': /* the same key, where + needs shift */
		return DISPLAY_FASTER;
	case '-':
		return DISPLAY_SLOWER;
	case 'n':
		return DISPLAY_NEXT;
	default:
		return DISPLAY_NOTHING;
	}
}

static enum display_key display_on_key(struct display *p, char key)
{
	switch (key) {
	case 's':
		return DISPLAY_STOP;
	case 'q':
		return p->is_watching ? DISPLAY_LEAVE : DISPLAY_NOTHING;
	case 'e':
		p->shows_events = !p->shows_events;
		p->shows_help = false;
		break;
	case '?':
		p->shows_help = !p->shows_help;
		break;
	default:
		return p->may_steer ? display_steering_key(key) : DISPLAY_NOTHING;
	}
	display_redraw(p);
	return DISPLAY_NOTHING;
}

enum display_key display_on_keys(struct display *p, short events)
{
	enum display_key meant = DISPLAY_NOTHING;
	char keys[64];
	size_t n = terminal_read_keys(&p->terminal, events, keys, sizeof(keys));

	for (size_t i = 0; i < n && meant == DISPLAY_NOTHING; i++)
		meant = display_on_key(p, keys[i]);
	return meant;
}

void display_suspend(struct display *p)
{
	display_clear(p);
	terminal_leave(&p->terminal);
	terminal_stop_process();
	/* SIGCONT is on its way to display_continue. */
}

void display_continue(struct display *p)
{
	p->n_drawn = 0;
	terminal_continue(&p->terminal);
	display_redraw(p);
}
