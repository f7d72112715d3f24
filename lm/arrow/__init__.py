"""Arrow arrays and Parquet files, made without pandas."""
