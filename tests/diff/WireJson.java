// WireJson: Kafka's own classes as an oracle for the bytes of its messages; tests/diff/wire_java.py
// judges them.
//
// For each line `CLASS VERSION plain|prefixed JSON` one of the message's bytes in hex, or "error …".

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;

public class WireJson {
    private static final Map<String, Method> READERS = new HashMap<>();

    private static Method reader(String name) throws Exception {
        Method found = READERS.get(name);
        if (found == null) {
            Class<?> converter = Class.forName(name + "JsonConverter");
            found = converter.getMethod("read", JsonNode.class, short.class);
            READERS.put(name, found);
        }
        return found;
    }

    private static String answer(ObjectMapper mapper, String line) {
        String[] parts = line.split(" ", 4);
        short version = Short.parseShort(parts[1]);
        try {
            JsonNode json = mapper.readTree(parts[3]);
            Message message = (Message) reader(parts[0]).invoke(null, json, version);
            ByteBuffer bytes = parts[2].equals("plain")
                ? MessageUtil.toByteBuffer(message, version)
                : MessageUtil.toVersionPrefixedByteBuffer(version, message);
            StringBuilder hex = new StringBuilder();
            while (bytes.hasRemaining()) {
                hex.append(String.format("%02x", bytes.get()));
            }
            return hex.toString();
        } catch (Exception e) {
            return "error " + (e.getCause() == null ? e : e.getCause());
        }
    }

    public static void main(String[] args) throws Exception {
        ObjectMapper mapper = new ObjectMapper();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        StringBuilder out = new StringBuilder();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.append(answer(mapper, line)).append('\n');
        }
        System.out.write(out.toString().getBytes("UTF-8"));
        System.out.flush();
    }
}
