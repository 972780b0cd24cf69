"""The slang command as far as the tests need it: the package pyslang brings the library only. Exit code 1 if there was an error."""

import shlex
import sys

from pyslang.driver import Driver

driver = Driver()
driver.addStandardArgs()
if not (driver.parseCommandLine(shlex.join(["slang", *sys.argv[1:]])) and driver.processOptions() and driver.parseAllSources()):
    sys.exit(1)
compilation = driver.createCompilation()
driver.reportCompilation(compilation, True)
driver.runAnalysis(compilation)
sys.exit(0 if driver.reportDiagnostics(True) else 1)
