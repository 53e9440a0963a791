// A fixture.

void mr_sink_x_start(void) {
    pthread_create();
}
