// ExactlyOnce: copies a topic with Flink's Kafka connector, fails half way, and goes on from its last checkpoint.
//
// The sink commits a transaction with each checkpoint, so that each record is in the output once, although those after
// the last checkpoint before the failure are written twice.
//
// Arguments: address, input topic, output topic, count of records.

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

public class ExactlyOnce {
    // Slow enough for some checkpoints, and broken once.
    static class Stumble extends RichMapFunction<String, String> {
        static volatile boolean fallen;
        private final int at;
        private int seen;

        Stumble(int at) {
            this.at = at;
        }

        @Override
        public String map(String value) throws Exception {
            Thread.sleep(10);
            if (++seen == at && !fallen) {
                fallen = true;
                throw new IllegalStateException("fails once, as it is told to");
            }
            return value;
        }
    }

    public static void main(String[] args) throws Exception {
        String address = args[0], input = args[1], output = args[2];
        int count = Integer.parseInt(args[3]);
        Configuration config = new Configuration();
        config.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
        config.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 3);
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(config);
        env.setParallelism(1);
        env.enableCheckpointing(300);
        KafkaSource<String> source = KafkaSource.<String>builder()
            .setBootstrapServers(address).setTopics(input).setGroupId(output)
            .setStartingOffsets(OffsetsInitializer.earliest()).setBounded(OffsetsInitializer.latest())
            .setValueOnlyDeserializer(new SimpleStringSchema()).build();
        KafkaSink<String> sink = KafkaSink.<String>builder()
            .setBootstrapServers(address).setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
            .setTransactionalIdPrefix(output).setProperty("transaction.timeout.ms", "60000")
            .setRecordSerializer(KafkaRecordSerializationSchema.<String>builder()
                .setTopic(output).setValueSerializationSchema(new SimpleStringSchema()).build())
            .build();
        env.fromSource(source, WatermarkStrategy.noWatermarks(), "in").map(new Stumble(count / 2)).sinkTo(sink);
        env.execute("exactly once");
        System.out.println(Stumble.fallen ? "done, after one failure" : "done");
    }
}
