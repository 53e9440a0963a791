// A fixture.

void f(char *a, char *b) {
    strcpy(a, b);
}
