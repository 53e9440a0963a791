// A fixture.

int listmake;
