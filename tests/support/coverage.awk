# SPDX-License-Identifier: Apache-2.0
# Prints the line coverage that gcov reports of the files whose path has `want` in it; fails where a
# line of them was not executed, or where there is none.
/^File / {
	file = $2
	gsub(/\047/, "", file)
	sub(/^.*\/daemon\//, "daemon/", file)
}
/^Lines executed:/ && index(file, want) {
	sub(/^Lines executed:/, "")
	printf "%-32s %s lines\n", file, $0
	seen = 1
	if ($1 != "100.00%")
		bad = 1
	file = ""
}
END { exit bad || !seen }
