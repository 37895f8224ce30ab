"""Pure geometry: frames, exact look-ups, partitions, circles. Values in, values out."""
