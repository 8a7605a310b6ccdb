/* SPDX-License-Identifier: Apache-2.0 */
#include "common/plan_connections.h"

#include "common/plan.h"

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
