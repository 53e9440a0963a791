// Plan pass: steps of planning that work on a finished pipeline.

#pragma once

#include "sql/plan.h"

// Fills the hash of every plan. plans are in order, inputs first; sources and tables are final.
void mr_plan_hash(mr_pipeline *pipeline);
