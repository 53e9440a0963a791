// A fixture.

extern int mr_file;
