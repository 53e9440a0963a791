// Source "file" on standard input: one partition, read in order, that no restart can repeat.

#include <string.h>

#include "plat/sim.h"
#include "runner.h"
#include "unit/conn/drive.h"

TEST(source_stdin, reads_to_the_end_and_cannot_go_back) {
    drive d;
    drive_init(&d);
    drive_field(&d, "id", MR_INT64, MR_FROM_VALUE);
    drive_option(&d, "path", "-");
    d.spec.until = MR_UNTIL_STOPPED;
    mr_plat *linux_plat = d.cx.plat;
    d.cx.plat = mr_sim_new(1);
    mr_sim_input(d.cx.plat, MR_SPAN("{\"id\":1}\n{\"id\":2}\n\n{\"id\":3}"));
    REQUIRE_OK(drive_open(&d, &mr_source_file));
    REQUIRE_OK(d.source->type->start(d.source, &d.cx));
    EXPECT_OK(drive_drain(&d));
    EXPECT_STR(mr_text_string(&d.rows), "0|1\n9|2\n19|3\n");
    EXPECT_EQ(d.source->partitions[0].finished, true);
    EXPECT_EQ(d.source->partitions[0].position, 27);
    const char *name = "-";
    int64_t position = 9;
    REQUIRE_OK(drive_open(&d, &mr_source_file));
    EXPECT_EQ(d.source->type->seek(d.source, &name, &position, 1, &d.cx), MR_E_UNSUPPORTED);
    EXPECT_STR(d.cx.error.text, "standard input cannot be read again from byte 9");
    position = 0;
    EXPECT_OK(d.source->type->seek(d.source, &name, &position, 1, &d.cx));
    drive_close(&d);
    mr_sim_free(d.cx.plat);
    d.cx.plat = linux_plat;
    drive_release(&d);
}
