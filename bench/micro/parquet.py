"""Side by side: the Parquet writer and pyarrow's on the same million rows, one core each.

    parquet.py PARQUET_BENCH

Both write to memory with the same codec, a dictionary where it pays, statistics and row groups of
122,880 rows; the best of five turns counts. pyarrow gets a table in memory, text as plain strings
or (codes) as Arrow dictionaries.
"""

import subprocess
import sys
import tempfile
import time

import pyarrow as pa
import pyarrow.parquet as pq

WORDS = ("country", "device", "action")


def arrow_turns(table, codec, turns=5):
    best = 1e9
    for _ in range(turns):
        sink = pa.BufferOutputStream()
        start = time.perf_counter()
        pq.write_table(table, sink, compression=codec, row_group_size=122880,
                       compression_level=1 if codec == "zstd" else None, store_schema=False)
        best = min(best, time.perf_counter() - start)
    return best, sink.getvalue().size


def main():
    pa.set_cpu_count(1)
    print(f"{'codec':8}{'text':8}{'millrace':>12}{'pyarrow':>12}{'ratio':>8}"
          f"{'MB':>8}{'MB arrow':>10}")
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
        for codec in ("none", "snappy", "zstd"):
            for text in ("plain", "codes"):
                run = subprocess.run([sys.argv[1], file.name, codec, text], check=True,
                                     capture_output=True, text=True)
                rows, size, seconds = run.stdout.split()
                table = pq.read_table(file.name, read_dictionary=WORDS if text == "codes" else [])
                arrow_seconds, arrow_size = arrow_turns(table.combine_chunks(), codec)
                mine, theirs = int(rows) / float(seconds) / 1e6, int(rows) / arrow_seconds / 1e6
                print(f"{codec:8}{text:8}{mine:10.2f} M{theirs:10.2f} M{mine / theirs:8.2f}"
                      f"{int(size) / 1e6:8.1f}{arrow_size / 1e6:10.1f}")


if __name__ == "__main__":
    main()
