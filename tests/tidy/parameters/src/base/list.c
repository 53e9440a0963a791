// A fixture.

int mr_list_put(int a, int b, int c, int (*d)(int, int), int e, int f) {
    return a + b + c + d(1, 2) + e + f;
}
