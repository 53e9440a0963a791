// A fixture.

int mr_other_make(void);
int mr_other_make(void) {
    return 1;
}
