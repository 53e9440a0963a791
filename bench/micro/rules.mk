# Micro-benchmarks. simdjson, where it is installed, stands beside the JSON decoder.
SIMDJSON := $(if $(and $(wildcard /usr/include/simdjson.h),$(shell command -v g++)),yes)
$(BUILD)/obj/bench/micro/json_simdjson.o: bench/micro/json_simdjson.cpp
	@mkdir -p $(@D)
	g++ -std=c++17 -O2 -g -c $< -o $@
$(BUILD)/bench-json: $(BUILD)/obj/bench/micro/json.o $(LIB) \
        $(if $(SIMDJSON),$(BUILD)/obj/bench/micro/json_simdjson.o)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %json.o %json_simdjson.o,$^) $(LIB) $(LIBS) \
	    $(if $(SIMDJSON),-lsimdjson -lstdc++)

.PHONY: bench-micro
bench-micro: $(BUILD)/bench-json ## The JSON decoder beside memcpy and simdjson
	@$(BUILD)/bench-json 1

$(BUILD)/bench-parquet: $(BUILD)/obj/bench/micro/parquet.o $(LIB)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

.PHONY: bench-parquet
bench-parquet: $(BUILD)/bench-parquet ## The Parquet writer beside pyarrow's
	@$(DEPS)/venv/bin/python bench/micro/parquet.py $<

$(BUILD)/bench-idset: $(BUILD)/obj/bench/micro/idset.o $(LIB)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

.PHONY: bench-idset
bench-idset: $(BUILD)/bench-idset ## DISTINCT's ids: time and memory of ten million
	@$(BUILD)/bench-idset 10

$(BUILD)/bench-sync: $(BUILD)/obj/bench/micro/sync.o
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^

.PHONY: bench-sync
bench-sync: $(BUILD)/bench-sync ## What a sync of 1, 4, 100 and 1,000 files costs, by how it is asked for
	@mkdir -p $(BUILD)/bench-sync.d; ulimit -n 4096 2>/dev/null; $< $(BUILD)/bench-sync.d
