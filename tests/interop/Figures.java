/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a log of histograms with the library that the format comes from, adds up each tag, and
 * prints TAG COUNT P50 P90 P99 P99.9 MAX, as the other readers here do. */
import java.io.File;
import java.util.Map;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramLogReader;

public class Figures {
	public static void main(String[] args) throws Exception {
		Map<String, Histogram> sums = new TreeMap<>();
		HistogramLogReader reader = new HistogramLogReader(new File(args[0]));

		while (reader.hasNext()) {
			Histogram h = (Histogram) reader.nextIntervalHistogram();

			if (h == null)
				continue;
			if (sums.containsKey(h.getTag()))
				sums.get(h.getTag()).add(h);
			else
				sums.put(h.getTag(), h.copy());
		}
		for (Map.Entry<String, Histogram> e : sums.entrySet()) {
			Histogram h = e.getValue();

			System.out.println(e.getKey() + " " + h.getTotalCount() + " " +
				h.getValueAtPercentile(50) + " " + h.getValueAtPercentile(90) + " " +
				h.getValueAtPercentile(99) + " " + h.getValueAtPercentile(99.9) + " " +
				h.getMaxValue());
		}
	}
}
