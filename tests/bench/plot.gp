# CPU a request, by case and contender; data, picture and last (column) come from the command line.
set terminal svg size 1100, 480 font "sans-serif,12" background "white"
set output picture
set datafile separator "\t"
set datafile missing "?"
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.9 border -1
set boxwidth 0.9
set logscale y
set ylabel "CPU of all server processes, µs a request"
set xlabel "case / connections"
set xtics rotate by -25 noenhanced
set grid ytics
set key outside top horizontal noenhanced
plot for [i=2:last] data using i:xtic(1) title columnheader(i)
