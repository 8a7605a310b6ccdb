/* SPDX-License-Identifier: Apache-2.0 */
/* The same as Figures.java, with the reader of hdr-histogram-js. Its buckets are told to be 64 bits
 * wide: an hour in ns does not fit into 32. The maximum is the last percentile: its maxValue grows
 * with each histogram that is added, where the unit is not 1. NODE_PATH names the folder of the
 * package. */
"use strict";
const fs = require("fs");
const hdr = require("hdr-histogram-js");

const reader = new hdr.HistogramLogReader(fs.readFileSync(process.argv[2], "utf8"), 64);
const sums = new Map();

for (let h = reader.nextIntervalHistogram(); h; h = reader.nextIntervalHistogram()) {
	if (sums.has(h.tag))
		sums.get(h.tag).add(h);
	else
		sums.set(h.tag, h);
}
for (const tag of [...sums.keys()].sort()) {
	const h = sums.get(tag);

	console.log([tag, h.totalCount,
		...[50, 90, 99, 99.9, 100].map((p) => h.getValueAtPercentile(p))].join(" "));
}
