"""The demo city: real names, codes and county outlines; all else made from a seed."""
