/* Nothing to link: the table is a macro of its header. */
#include "plugin_table.h"
