// A fixture.

// See /root/notes.
