// A fixture.

