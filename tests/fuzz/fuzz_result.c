/* SPDX-License-Identifier: Apache-2.0 */
/* Result documents under libFuzzer: see result_property.h. `make fuzz-result` builds and runs it.
 *
 * Bytes changed at random are rarely JSON, so half of the changes are made to the document: a value
 * somewhere in it becomes another one, is repeated, or is removed. */
#include "tests/fuzz/result_property.h"

#define FUZZ_RESULT_DEPTH_MAX 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	result_property_holds(data, size);
	return 0;
}

static unsigned fuzz_result_draw(unsigned *seed, size_t n)
{
	*seed = *seed * 1664525 + 1013904223;
	return n > 0 ? (*seed >> 8) % (unsigned)n : 0;
}

static json_t *fuzz_result_text(const json_t *from, unsigned *seed)
{
	char text[256];
	size_t len;

	(void)snprintf(
		text, sizeof(text), "%s", json_is_string(from) ? json_string_value(from) : "");
	len = LLVMFuzzerMutate((uint8_t *)text, strlen(text), sizeof(text) - 1);
	text[len] = '\0';
	return fuzz_result_draw(seed, 8) ? json_string(text)
					 : json_string("\x01\x1f wide: \xc2\x9b ééééééééééééééé");
}

static json_t *fuzz_result_value(const json_t *from, unsigned *seed)
{
	static const int64_t numbers[] = {0, 1, -1, 2, 63, 64, 1000, 1000000000, INT64_MAX,
		INT64_MIN, INT64_MAX / 2, INT64_C(1) << 53, INT64_C(3600000000000),
		INT64_MAX / 1000};
	static const double reals[] = {0, 0.5, 1, -1, 1e-300, 1e18, 9.3e18, 1e300, -1e300};

	switch (fuzz_result_draw(seed, 10)) {
	case 0:
		return json_null();
	case 1:
		return json_boolean(fuzz_result_draw(seed, 2));
	case 2:
		return json_real(reals[fuzz_result_draw(seed, sizeof(reals) / sizeof(*reals))]);
	case 3:
		return fuzz_result_draw(seed, 2) ? json_object() : json_array();
	case 4:
	case 5:
		return fuzz_result_text(from, seed);
	case 6:
		if (json_is_integer(from))
			return json_integer((json_int_t)((uint64_t)json_integer_value(from)
							 << fuzz_result_draw(seed, 8)));
		/* fall through */
	default:
		return json_integer(
			numbers[fuzz_result_draw(seed, sizeof(numbers) / sizeof(*numbers))]);
	}
}

/* Changes something at a random place below. */
static void fuzz_result_change(json_t *at, unsigned depth, unsigned *seed)
{
	bool goes_on = depth < FUZZ_RESULT_DEPTH_MAX && fuzz_result_draw(seed, 6) > 0;
	size_t n = json_is_array(at) ? json_array_size(at) : json_object_size(at);
	size_t i = fuzz_result_draw(seed, n);
	unsigned how = fuzz_result_draw(seed, 6);
	void *member = json_object_iter(at);
	json_t *value;

	if (n == 0)
		return;
	for (size_t k = 0; k < i && member; k++)
		member = json_object_iter_next(at, member);
	value = member ? json_object_iter_value(member) : json_array_get(at, i);
	if (goes_on && (json_is_object(value) || json_is_array(value)) &&
		json_object_size(value) + json_array_size(value) > 0)
		fuzz_result_change(value, depth + 1, seed);
	else if (member && how == 0)
		(void)json_object_del(at, json_object_iter_key(member));
	else if (member)
		(void)json_object_iter_set_new(at, member, fuzz_result_value(value, seed));
	else if (how == 0)
		(void)json_array_remove(at, i);
	else if (how == 1)
		(void)json_array_append_new(at, json_deep_copy(value));
	else
		(void)json_array_set_new(at, i, fuzz_result_value(value, seed));
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	json_t *doc = json_loadb((const char *)data, size, 0, NULL);
	size_t len;

	if (!doc || fuzz_result_draw(&seed, 4) == 0) {
		json_decref(doc);
		return LLVMFuzzerMutate(data, size, max_size);
	}
	for (unsigned n = fuzz_result_draw(&seed, 3) + 1; n > 0; n--)
		fuzz_result_change(doc, 0, &seed);
	len = json_dumpb(doc, (char *)data, max_size, JSON_COMPACT);
	json_decref(doc);
	return len > 0 && len <= max_size ? len : LLVMFuzzerMutate(data, size, max_size);
}
