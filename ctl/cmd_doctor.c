/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/cmd.h"

int cmd_doctor(struct options *o)
{
	(void)o;
	return 0;
}
