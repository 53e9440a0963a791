// A fixture.

#pragma once

struct list_ops {
    void (*read)(char c);
    void (*free)(const char *text);
};
extern struct list_ops mr_list_ops;
extern int mr_span_of;
extern int mr_fail;
int mr_list_put(int a, int b, int c, int d, int e);
int mr_list_step(int x);
