// Container: what the keys of a container task become in the engine's API, and what they get wrong.

#include "task/container.h"

#include <string.h>

#include "port/task.h"
#include "runner.h"
#include "task/kinds.h"

static mr_arena arena;
static mr_cx cx;

static const mr_container_keys *keys_of(const char *body) {
    void *options = NULL;
    mr_cx_init(&cx, &arena, NULL);
    mr_code code = mr_task_options(&mr_kind_container, mr_span_of(body), &options, &cx);
    return code == MR_OK ? options : NULL;
}

// The body of the request, or the error.
static const char *request(const char *body) {
    static const char *const env[] = {"A=1", "B=x y", NULL};
    static const mr_container_pair labels[] = {{"millrace.try", "/p/1"}};
    const mr_container_more more = {
        .env = env, .labels = labels, .label_count = 1, .dir = "/project", .host = NULL};
    const mr_container_keys *keys = keys_of(body);
    mr_text out;
    mr_text_init(&out, &arena);
    return keys == NULL || mr_container_request(keys, &more, &out, &cx) != MR_OK
               ? cx.error.text
               : mr_text_string(&out);
}

static const char *check(const char *body) {
    const mr_container_keys *keys = keys_of(body);
    return keys == NULL || mr_container_check(keys, &cx) != MR_OK ? cx.error.text : "fine";
}

TEST(container, keys_become_a_request) {
    EXPECT_STR(request("{\"image\":\"app\"}"),
               "{\"Image\":\"app:latest\",\"Tty\":false,\"Labels\":{\"millrace.try\":\"/p/1\"},"
               "\"Env\":[\"A=1\",\"B=x y\"],\"HostConfig\":{\"AutoRemove\":false,\"Mounts\":[],"
               "\"ExtraHosts\":[]}}");
    EXPECT_STR(
        request("{\"image\":\"r.org:5000/a/b@sha256:0f\",\"command\":[\"run\",7,\"a\\\"b\"],"
                "\"entrypoint\":[],\"tty\":true,\"user\":\"1000:1000\",\"working_dir\":\"/w\","
                "\"network\":\"host\",\"memory\":\"64MiB\",\"cpus\":1.5,"
                "\"hosts\":{\"db\":\"10.0.0.7\"},\"mounts\":[\"data/in:/in:ro\",\"vol:/v\","
                "{\"source\":\"/abs\",\"target\":\"/abs\"},{\"type\":\"tmpfs\",\"target\":"
                "\"/t\"},\"./x:/x:rw\",\".:/all\"]}"),
        "{\"Image\":\"r.org:5000/a/b@sha256:0f\",\"Tty\":true,\"Labels\":{\"millrace.try\":"
        "\"/p/1\"},\"Env\":[\"A=1\",\"B=x y\"],\"Cmd\":[\"run\",\"7\",\"a\\\"b\"],"
        "\"Entrypoint\":[],\"WorkingDir\":\"/w\",\"User\":\"1000:1000\",\"HostConfig\":{"
        "\"AutoRemove\":false,\"NetworkMode\":\"host\",\"Memory\":67108864,\"NanoCpus\":"
        "1500000000,\"Mounts\":[{\"Type\":\"bind\",\"Target\":\"/in\",\"Source\":"
        "\"/project/data/in\",\"ReadOnly\":true},{\"Type\":\"volume\",\"Target\":\"/v\","
        "\"Source\":\"vol\",\"ReadOnly\":false},{\"Type\":\"bind\",\"Target\":\"/abs\","
        "\"Source\":\"/abs\",\"ReadOnly\":false},{\"Type\":\"tmpfs\",\"Target\":\"/t\","
        "\"ReadOnly\":false},{\"Type\":\"bind\",\"Target\":\"/x\",\"Source\":\"/project/x\","
        "\"ReadOnly\":false},{\"Type\":\"bind\",\"Target\":\"/all\",\"Source\":\"/project\","
        "\"ReadOnly\":false}],\"ExtraHosts\":[\"db:10.0.0.7\"]}}");
    mr_arena_release(&arena);
}

TEST(container, a_name_of_the_host_that_the_file_gives_is_not_given_twice) {
    const mr_container_more more = {.env = (const char *const[]){NULL},
                                    .dir = "/p",
                                    .host = "host.docker.internal:host-gateway"};
    const mr_container_keys *keys =
        keys_of("{\"image\":\"a\",\"hosts\":{\"host.docker.internal\":\"10.0.0.7\"}}");
    mr_text out;
    mr_text_init(&out, &arena);
    EXPECT_OK(mr_container_request(keys, &more, &out, &cx));
    EXPECT(strstr(mr_text_string(&out), "\"ExtraHosts\":[\"host.docker.internal:10.0.0.7\"]") !=
           NULL);
    mr_arena_release(&arena);
}

TEST(container, images_have_a_name_and_a_tag_or_a_digest) {
    static const struct {
        const char *text, *name, *tag, *digest, *whole;
    } images[] = {
        {"app", "app", "latest", NULL, "app:latest"},
        {"team/app:1.2", "team/app", "1.2", NULL, "team/app:1.2"},
        {"localhost:5000/app", "localhost:5000/app", "latest", NULL, "localhost:5000/app:latest"},
        {"r.org:5000/a/b:x", "r.org:5000/a/b", "x", NULL, "r.org:5000/a/b:x"},
        {"app:1@sha256:0f", "app", NULL, "sha256:0f", "app@sha256:0f"},
    };
    mr_cx_init(&cx, &arena, NULL);
    for (size_t i = 0; i < MR_COUNT(images); i++) {
        mr_container_image got;
        EXPECT_OK(mr_container_image_parse(images[i].text, &got, &cx));
        EXPECT_STR(got.name, images[i].name);
        EXPECT_STR(got.tag == NULL ? "" : got.tag, images[i].tag == NULL ? "" : images[i].tag);
        EXPECT_STR(got.digest == NULL ? "" : got.digest,
                   images[i].digest == NULL ? "" : images[i].digest);
        EXPECT_STR(got.whole, images[i].whole);
    }
    static const char *const bad[] = {"",   ":1",     "a b",  "app:",     "app@",  "a/",
                                      "/a", "a//b:1", "-app", "http://a", "a?b=c", "app@sha256"};
    for (size_t i = 0; i < MR_COUNT(bad); i++) {
        mr_container_image got;
        EXPECT(mr_container_image_parse(bad[i], &got, &cx) == MR_E_OPTION);
    }
    mr_arena_release(&arena);
}

TEST(container, what_a_file_gets_wrong_is_told) {
    EXPECT_STR(check("{\"image\":\"a\",\"mounts\":\"data/in:/in\",\"broker_env\":\"K\"}"), "fine");
    EXPECT_STR(check("{\"image\":\"a\",\"broker_env\":[\"K\",\"L_1\"]}"), "fine");
    EXPECT_STR(check("{\"image\":\"a b\"}"), "\"a b\" is no name of an image");
    EXPECT_STR(check("{\"image\":\"a\",\"command\":\"ls -l\"}"),
               "key \"command\" must be a list of words");
    EXPECT_STR(check("{\"image\":\"a\",\"entrypoint\":[[1]]}"),
               "key \"entrypoint\" must be a list of words");
    EXPECT_STR(check("{\"image\":\"a\",\"mounts\":[\"/in\"]}"), "mount \"/in\" is not understood");
    EXPECT_STR(check("{\"image\":\"a\",\"mounts\":[\"a:b:c\"]}"),
               "mount \"a:b:c\" is not understood");
    EXPECT_STR(check("{\"image\":\"a\",\"mounts\":[\"a:b\"]}"),
               "the target of a mount must begin with /, not be \"b\"");
    EXPECT_STR(check("{\"image\":\"a\",\"mounts\":[{\"target\":\"/t\"}]}"),
               "the mount at \"/t\" cannot have the source \"\"");
    EXPECT_STR(check("{\"image\":\"a\",\"mounts\":[{\"target\":\"/t\",\"type\":\"volume\","
                     "\"source\":\"a/b\"}]}"),
               "the mount at \"/t\" cannot have the source \"a/b\"");
    EXPECT_STR(check("{\"image\":\"a\",\"mounts\":[\"a:/t\",\"b:/t\"]}"),
               "two mounts have the target \"/t\"");
    EXPECT_STR(check("{\"image\":\"a\",\"mounts\":[{\"tagret\":\"/t\",\"source\":\"a\"}]}"),
               "unknown key \"tagret\"");
    EXPECT_STR(check("{\"image\":\"a\",\"hosts\":[\"a:1\"]}"), "key \"hosts\" takes a map");
    EXPECT_STR(check("{\"image\":\"a\",\"broker_env\":\"A=B\"}"),
               "\"A=B\" cannot be a variable's name");
    EXPECT_STR(check("{\"image\":\"a\",\"engine\":\"unix:///a\",\"conn\":\"b\"}"),
               "\"engine\" and \"conn\" exclude each other");
    EXPECT_STR(check("{\"image\":\"a\",\"cpus\":-1}"),
               "key \"cpus\" must be from 0.01 to 1000000, not -1");
    EXPECT_STR(check("{\"image\":\"a\",\"cpus\":1e30}"),
               "key \"cpus\" must be from 0.01 to 1000000, not 1e+30");
    EXPECT_STR(check("{\"image\":\"a\",\"cpus\":1e-10}"),  // The engine would set no limit.
               "key \"cpus\" must be from 0.01 to 1000000, not 1e-10");
    EXPECT_STR(check("{\"image\":\"a\",\"cpus\":0.01}"), "fine");
    EXPECT_STR(check("{\"image\":\"a\",\"connect_timeout\":\"-1s\"}"),
               "key \"connect_timeout\" must be from 0 to 365 days");
    EXPECT_STR(check("{\"image\":\"a\",\"pull_timeout\":\"1000000 days\"}"),
               "key \"pull_timeout\" must be from 0 to 365 days");
    EXPECT_STR(check("{\"image\":\"../../info\"}"), "\"../../info\" is no name of an image");
    EXPECT_STR(check("{\"image\":\"a\",\"mounts\":[\"a:/t\",\"b:/t/\"]}"),
               "two mounts have the target \"/t\"");
    EXPECT_STR(check("{\"image\":\"a\",\"pull\":\"sometimes\"}"),
               "bad value \"sometimes\" for key \"pull\"");
    mr_arena_release(&arena);
}
