/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that ask about a finished plan, and its destructor. */
#include "common/plan/plan.h"

#include <stdlib.h>

#include "common/plan/plan_connections.h"
#include "common/plan/plan_requests.h"
#include "common/plan/plan_sources.h"
#include "common/plan/plan_stages.h"
#include "common/plan/plan_thresholds.h"
#include "common/plan/plan_tls.h"
#include "common/plan/plan_values.h"
#include "common/str.h"

#define PLAN_DESCRIPTORS_SPARE 16 /* of the daemon, beside those of its runs */
#define PLAN_DESCRIPTORS_LOOKUP 4 /* for a lookup during the run */

const char *plan_connect_unix(const struct plan *p)
{
	return p->connect.unix_path || p->connect.host ? p->connect.unix_path : p->url.unix_path;
}

const char *plan_connect_host(const struct plan *p)
{
	return p->connect.host ? p->connect.host : p->url.host;
}

uint16_t plan_connect_port(const struct plan *p)
{
	return p->connect.port ? p->connect.port : p->url.port;
}

uint64_t plan_users(const struct plan *p)
{
	return plan_connection_limit(p) * (p->pipeline ? p->pipeline : 1);
}

bool plan_is_fixed_pool(const struct plan *p)
{
	return p->model == PLAN_CLOSED || p->connections > 0;
}

bool plan_is_idempotent(const char *method)
{
	static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (str_eq(method, methods[i]))
			return true;
	return false;
}

struct plan *plan_free(struct plan *p)
{
	if (!p)
		return NULL;
	plan_fini_requests(p);
	plan_clear_url(p);
	plan_clear_connect_to(p);
	plan_clear_stages(p);
	plan_clear_sources(p);
	plan_clear_labels(p);
	plan_clear_thresholds(p);
	plan_fini_tls(p);
	free(p->name);
	str_wipe(p->text);
	free(p);
	return NULL;
}

uint64_t plan_connection_limit(const struct plan *p)
{
	if (p->connections)
		return p->connections;
	return p->model == PLAN_CLOSED ? PLAN_AUTO_USERS : PLAN_AUTO_CONNECTIONS;
}

uint64_t plan_descriptors(const struct plan *p, uint64_t connections, uint64_t workers)
{
	return connections + workers * PLAN_DESCRIPTORS_PER_WORKER + PLAN_DESCRIPTORS_SPARE +
	       (p->dns_ns > 0 ? PLAN_DESCRIPTORS_LOOKUP : 0);
}
