// A fixture.

int mr_listing;
