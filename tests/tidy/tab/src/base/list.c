// A fixture.

extern int	mr_list;
