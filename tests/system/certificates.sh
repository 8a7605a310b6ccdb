# SPDX-License-Identifier: Apache-2.0
# Certificates for the tests that speak TLS, in $T; to be sourced behind lib.sh.
# shellcheck shell=bash

# authority NAME: NAME.pem and NAME.key.
authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-keyout "$T/$1.key" -out "$T/$1.pem" -subj "/CN=$1" \
		-addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
}

# certificate NAME AUTHORITY SUBJECT-ALT-NAMES [FLAG...]: NAME.pem and NAME.key.
certificate() {
	local name=$1 by=$2 names=$3
	shift 3
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/$name.key" \
		-out "$T/$name.csr" -subj "/CN=leaf" 2>/dev/null
	echo "subjectAltName=$names" >"$T/$name.ext"
	openssl x509 -req -in "$T/$name.csr" -CA "$T/$by.pem" -CAkey "$T/$by.key" \
		-CAcreateserial -extfile "$T/$name.ext" -out "$T/$name.pem" "$@" 2>/dev/null
}

# certificate_between NAME AUTHORITY SUBJECT-ALT-NAMES FROM TO (YYYYMMDDHHMMSSZ): of the past or
# the future, which openssl x509 knows by days alone, and takes none below zero everywhere.
certificate_between() {
	local name=$1 by=$2 from=$4 to=$5

	mkdir "$T/$name"
	: >"$T/$name/index"
	echo 01 >"$T/$name/serial"
	certificate "$name" "$by" "$3" -days 2
	openssl ca -batch -notext -config <(printf '%s\n' '[ca]' 'default_ca=x' '[x]' \
		"database=$T/$name/index" "serial=$T/$name/serial" "new_certs_dir=$T/$name" \
		'default_md=sha256' 'policy=p' '[p]' 'commonName=supplied') \
		-cert "$T/$by.pem" -keyfile "$T/$by.key" -in "$T/$name.csr" \
		-extfile "$T/$name.ext" -startdate "$from" -enddate "$to" \
		-out "$T/$name.pem" 2>/dev/null
}

# self_signed NAME SUBJECT-ALT-NAMES: nobody has signed it but itself, and it is no authority.
self_signed() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-keyout "$T/$1.key" -out "$T/$1.pem" -subj "/CN=$1" \
		-addext "subjectAltName=$2" 2>/dev/null
}
