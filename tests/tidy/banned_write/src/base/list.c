// A fixture.

void mr_list_save(int fd) {
    write (fd, "x", 1);
}
