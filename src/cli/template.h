// Template: the files that `millrace init` and `millrace new` write.
//
// They are in src/cli/templates as they will be read, and are taken into the program by the
// assembler, so nothing generated stands between them and the user. {{name}} becomes the name that
// was given, {{exec}} the settings of section exec with their defaults.

#pragma once

#include "base/cx.h"
#include "base/text.h"

typedef struct mr_template {
    const char *path;  // Below the project; {{name}} as in texts.
    const char *text;
    const char *end;
} mr_template;

extern const mr_template mr_template_init[];  // All end with path NULL.
extern const mr_template mr_template_stream[];
extern const mr_template mr_template_dag[];

// A file's text with the names filled in.
void mr_template_fill(const mr_template *from, const char *name, mr_text *out);
// Writes the files that are not there, and adds a line for each to `said`. Existing files are never
// touched.   errors  those of plat
mr_code mr_template_write(const mr_template *list, const char *folder, const char *name,
                          mr_text *said, mr_cx *cx);
