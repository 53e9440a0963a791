// A fixture.

extern int mr_thing;
