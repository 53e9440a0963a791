# Decoders against other programs on the same bytes.
DIFF_PROGRAMS := $(addprefix $(BUILD)/,json_dump parquet_dump diff-eval_dump diff-wire_dump diff-numeric_dump \
                 diff-log_dump diff-kafka_dump)
$(BUILD)/json_dump: $(BUILD)/obj/tests/diff/json_dump.o $(LIB)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(BUILD)/parquet_dump: $(BUILD)/obj/tests/diff/parquet_dump.o $(LIB)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

.PHONY: diff diff-parquet
diff: diff-parquet
diff-parquet: $(BUILD)/parquet_dump ## Files of the Parquet writer read by DuckDB and pyarrow
	@$(DEPS)/venv/bin/python tests/diff/parquet_readback.py $< 60
diff: $(BUILD)/json_dump ## The JSON decoder against DuckDB on 100,000 records
	@$(DEPS)/venv/bin/python tests/diff/json_duckdb.py $(BUILD)/json_dump 100000

# Prerequisites of diff, like the others: each says `N passed, N failed`.
.PHONY: diff-eval
diff: diff-eval
diff-eval: $(BUILD)/diff-eval_dump ## Functions and aggregates against DuckDB on 10,000 rows
	@$(DEPS)/venv/bin/python tests/diff/eval_duckdb.py $< --rows $(if $(MILLRACE_SOAK),1000000,10000)

.PHONY: diff-wire
diff: diff-wire
diff-wire: $(BUILD)/diff-wire_dump ## Messages of Kafka's protocol against kafka-python
	@$(DEPS)/venv/bin/python tests/diff/wire_kafka.py $<

.PHONY: diff-wire-java
diff: diff-wire-java
diff-wire-java: $(BUILD)/diff-wire_dump ## Messages and records of Kafka against Kafka's own classes
	@$(DEPS)/venv/bin/python tests/diff/wire_java.py $< $(DEPS)/kafka/libs

.PHONY: diff-numeric
diff: diff-numeric
diff-numeric: $(BUILD)/diff-numeric_dump ## Exact decimals against Python's on 100,000 cases
	@$(DEPS)/venv/bin/python tests/diff/numeric.py $< 100000

.PHONY: diff-json-types
diff: diff-json-types
diff-json-types: $(BUILD)/json_dump ## Every type of a JSON column against DuckDB on 40,000 records
	@$(DEPS)/venv/bin/python tests/diff/json_types.py $< 40000

.PHONY: diff-queries
diff: diff-queries
diff-queries: $(BUILD)/millrace ## Random pipelines against the equivalent SELECT in DuckDB
	@$(DEPS)/venv/bin/python tests/diff/queries.py $< --seeds 150

.PHONY: diff-log
diff: diff-log
diff-log: $(BUILD)/diff-log_dump ## Logs read by Kafka's own tool, and Kafka's logs by ours
	@$(DEPS)/venv/bin/python tests/diff/log_kafka.py $<
