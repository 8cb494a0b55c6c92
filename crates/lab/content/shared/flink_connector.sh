connector=flink-sql-connector-kinesis
version=5.0.0-1.20
curl -fsSL -o flink/lib/$connector.jar \
  https://repo.maven.apache.org/maven2/org/apache/flink/$connector/$version/$connector-$version.jar
