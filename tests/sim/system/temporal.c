#include "tests/sim/system/engine.h"
bool temporal_is_running(struct world *world, const char *job_id)
{
	(void)world;
	(void)job_id;
	return false;
}
bool temporal_is_busy(struct world *world, const char *job_id)
{
	(void)world;
	(void)job_id;
	return false;
}
const struct lucius_plugin sim_temporal_plugin = { 0 };
void engine_drop_process(struct process *process)
{
	(void)process;
}
