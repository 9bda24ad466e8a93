"""A log in a file that is put aside before it is too large; the three newest of those that were are kept."""

import os
import tempfile

from plait.log import LogFile, Logger, Rotation, globalLogBeginner, textFileLogObserver

folder = tempfile.mkdtemp()
file = LogFile(os.path.join(folder, "shop.log"), Rotation(maxSize=2000, every="day", keep=3))
globalLogBeginner.beginLoggingTo([textFileLogObserver(file)], redirectStandardIO=False)

log = Logger("shop")
for number in range(100):
    log.info("sold apples for the {number}. time", number=number)
file.close()

with open(file.path) as lines:
    print(lines.readlines()[-1].partition(" ")[2].strip())
print(os.path.getsize(file.path) <= 2000)
