"""The prices loader: the built-in series, and CSV files as they are found in the wild."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_zoo.data import Series
from lstm_zoo.datasets.prices import load
from lstm_zoo.errors import DataError, UnknownName, UsageError, ZooError

HEADER = "Date,Close\n"
JANUARY = "".join(f"2015-01-{day:02d},{day}\n" for day in range(1, 31))
STOCKS = "".join(
    f"2015-02-{day},{stock},{price}\n"
    for day, prices in (("17", (1, 2, 3)), ("18", (4, 5, 6)))
    for stock, price in zip(("AAPL", "NA", "A=B"), prices, strict=True)
)
STOCKS = "Date,Stock,Close\n" + STOCKS


@pytest.fixture
def read(tmp_path):
    """`read(text, **parameters)` loads a file of that text, or of those bytes."""

    def read(content, **parameters) -> Series:
        path = tmp_path / "x.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load(csv=str(path), **parameters)

    return read


@pytest.fixture
def refused(read):
    """`refused(text, **parameters)` is the sentence with which the file is refused."""

    def refused(content, error=DataError, **parameters) -> str:
        with pytest.raises(ZooError) as caught:
            read(content, **parameters)
        assert type(caught.value) is error
        assert str(caught.value).isprintable()
        return str(caught.value)

    return refused


def values(series: Series) -> list:
    return series.values[:, 0].tolist()


def dates(series: Series) -> list[str]:
    return [str(date).removesuffix("T00:00") for date in series.dates.astype("datetime64[m]")]


# The built-in series


def test_the_built_in_series_is_googles_daily_close_of_matplotlib():
    series = load()
    assert (series.values.shape, series.values.dtype) == ((1047, 1), np.float64)
    assert (series.columns, series.target, series.notes) == (("Close",), 0, ())
    assert series.dates.dtype == "datetime64[ns]"
    assert [dates(series)[i] for i in (0, -1)] == ["2004-08-19", "2008-10-14"]
    assert [values(series)[i] for i in (0, 1, -1)] == [100.34, 108.31, 362.71]
    assert (np.diff(series.dates) > np.timedelta64(0)).all()


def test_the_built_in_series_has_other_columns():
    series = load(column="Adj Close", features=["Open", "Volume", "Close"])
    assert series.columns == ("Adj Close", "Open", "Volume", "Close")
    assert series.values[0].tolist() == [100.34, 100.0, 22351900.0, 100.34]
    np.testing.assert_array_equal(series.values[:, 0], series.values[:, 3])  # no split, no dividend
    with pytest.raises(UnknownName, match=r"'Colse'\. Did you mean Close"):
        load(column="Colse")
    with pytest.raises(UsageError, match="'Close' is asked for twice"):
        load(features=["Close"])


def test_options_for_files_need_a_file():
    with pytest.raises(
        UsageError, match=r"^Only .* \(--csv FILE\) takes 'date_format' and 'where'\."
    ):
        load(date_format="%Y", where="a=b")


# A file, read plainly


def test_the_real_apple_file(data_folder):
    apple = data_folder / "apple.csv"
    if not apple.is_file():
        pytest.skip(f"apple.csv is not in {data_folder}")
    series = load(csv=str(apple), features=["AAPL.Volume"])
    frame = pd.read_csv(apple, parse_dates=["Date"])
    assert series.columns == ("AAPL.Close", "AAPL.Volume")
    np.testing.assert_array_equal(series.values, frame[list(series.columns)].to_numpy(float))
    np.testing.assert_array_equal(series.dates, frame["Date"].to_numpy("datetime64[ns]"))
    assert (len(series.values), series.notes) == (506, ())
    with pytest.raises(UnknownName, match=r"Did you mean .*AAPL\.Close"):
        load(csv=str(apple), column="AAPL.Clsoe")
    with pytest.raises(DataError, match=r"'direction' of apple\.csv .* line 2 \('2015-02-17,"):
        load(csv=str(apple), column="direction")


def test_target_first_then_the_features_in_the_order_asked_for(read):
    series = read(
        "a,Date,b,c\n1,2015-02-17,2,3\n4,2015-02-18,5,6\n", column="c", features=["b", "a"]
    )
    assert series.columns == ("c", "b", "a")
    assert series.values.tolist() == [[3, 2, 1], [6, 5, 4]]
    assert series.values.flags.c_contiguous
    assert (series.values.dtype, series.target, series.notes) == (np.float64, 0, ())


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("Date,Open,close", "close"),
        ("Date,X.Open,X.Close", "X.Close"),
        ("Date,Name,Level", "Level"),
        ("Date,Close,Volume", "Close"),
    ],
)
def test_the_default_column(read, header, column):
    second = "text" if "Name" in header else "1"
    series = read(f"{header}\n2015-02-17,{second},2\n2015-02-18,{second},2\n")
    assert series.columns == (column,)


def test_no_default_column_is_an_error_that_lists_them(refused):
    text = "Date,Open,High\n2015-02-17,1,2\n2015-02-18,3,4\n"
    assert refused(text) == (
        "x.csv has several columns of numbers (Open and High): choose one with --column."
    )
    assert "has no column of numbers, only Date and Up" in refused("Date,Up\n2015-02-17,yes\n")
    wide = ",".join(f"c{i}" for i in range(500))
    assert "and 488 more" in refused(f"{wide}\n{','.join('1' * 500)}\n")
    wide = ",".join(f"c{i}" for i in range(5001))
    assert "5,001 columns" in refused(f"{wide}\n{','.join('1' * 5001)}\n")


def test_a_later_row_that_writes_its_decimals_otherwise_is_an_error(read, refused):
    lines = [
        f"{n % 28 + 1}.{n // 28 % 12 + 1}.{2000 + n // 336};{n % 9 + 1}.{n % 900 + 100}"
        for n in range(1100)
    ]
    text = "\n".join(["Datum;Wert", *lines, "1.1.2030;4.320,50"]) + "\n"
    said = refused(text)
    assert "its decimals after a point, and in other rows after a comma (line 1,102" in said
    assert read(text, decimal="comma").values[0] == 1100
    left_out = read(text, decimal="point")
    assert left_out.values[0] == 1.1 and "1 row" in left_out.notes[-1]


@pytest.mark.parametrize("header", ["year,month,v", "Date,Time,v"])
def test_a_date_in_several_columns_is_told(refused, header):
    rows = [f"{2000 + n // 4},{n % 4 + 1},{n}" for n in range(40)]
    first, second, _ = header.split(",")
    said = refused("\n".join([header, *rows]) + "\n", column="v")
    assert f"several columns ('{first}' and '{second}'): join these into one." in said


def test_a_column_that_is_there_twice_is_told(refused):
    said = refused("Date,Value,Value\n2024-01-01,1,2\n2024-01-02,3,4\n")
    assert "more than one column of x.csv called 'Value': rename one" in said


@pytest.mark.parametrize(
    ("form", "first", "last"),
    [
        ("{year}-Q{quarter}", "2019-01-01", "2024-10-01"),
        ("{year}Q{quarter}", "2019-01-01", "2024-10-01"),
        ("{year}-W{week:02}", "2018-12-31", "2024-09-30"),
    ],
)
def test_quarters_and_iso_weeks_are_their_first_days(read, form, first, last):
    lines = [
        form.format(year=year, quarter=quarter, week=13 * quarter - 12) + f",{quarter}"
        for year in range(2019, 2025)
        for quarter in (1, 2, 3, 4)
    ]
    series = read("\n".join(["TIME_PERIOD,OBS_VALUE", *lines]) + "\n")
    assert [str(series.dates[place])[:10] for place in (0, -1)] == [first, last]


def test_a_quarter_or_week_that_is_none_is_no_date(read):
    lines = [f"{year}-W{week:02},1" for year in (2023, 2024) for week in range(1, 54)]
    series = read("\n".join(["week,v", *lines, "2025-W00,1"]) + "\n", date_column="week")
    assert len(series.values) == 104  # neither year has a 53rd week
    assert "3 rows" in series.notes[0]


def test_a_column_is_found_whatever_line_breaks_its_name_has(read):
    text = 'Date,"Close\n(EUR)",Open\n' + "".join(f"2024-01-0{n},{n},7\n" for n in (1, 2, 3))
    series = read(text, column="Close (EUR)", features=["Open"])
    assert series.columns[0] == "Close (EUR)"
    assert series.values[:, 0].tolist() == [1, 2, 3]


def test_a_misspelt_column_is_a_usage_error_with_the_nearest_names(refused):
    text = "Date,Open,High\n2015-02-17,1,2\n2015-02-18,3,4\n"
    expected = "There is no column of x.csv called 'Hihg'. Did you mean High?"
    assert refused(text, UnknownName, column="Hihg") == expected
    assert "'Opne'" in refused(text, UnknownName, column="High", features=["Opne"])
    assert "'Dtae'" in refused(text, UnknownName, column="High", date_column="Dtae")
    assert UnknownName.exit_code == 2


def test_columns_that_can_not_be_meant(refused):
    text = "Date,Open,High,High\n2015-02-17,1,2,3\n2015-02-18,3,4,5\n"
    assert "'Open' is asked for twice" in refused(
        text, UsageError, column="Open", features=["Open"]
    )
    assert "'Date' holds the dates" in refused(text, UsageError, column="Date")
    assert "more than one column of x.csv called 'High'" in refused(text, column="High")


# How it is written


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators(read, separator):
    lines = "Date,Open,Close\n2015-02-17,1.5,2.5\n2015-02-18,,3.5\n"
    series = read(lines.replace(",", separator))
    assert (series.columns, values(series)) == (("Close",), [2.5, 3.5])


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_and_line_ends(read, encoding, newline):
    text = "Date,Prix é,Close\n2015-02-17,1,2\n2015-02-18,3,4\n".replace("\n", newline)
    series = read(text.encode(encoding), features=["Prix é"])
    assert series.columns == ("Close", "Prix é")
    assert (series.values.tolist(), series.notes) == ([[2, 1], [4, 3]], ())


def test_windows_1252_is_read_and_said(read):
    series = read("Date,Prix é,Close\n2015-02-17,x,€1\n2015-02-18,y,€2\n".encode("cp1252"))
    assert values(series) == [1, 2]
    assert series.notes == ("x.csv is not UTF-8, and was read as Windows-1252.",)


def test_spaces_quotes_and_blank_lines_around_cells(read):
    series = read('\n\n "Date" , Close \n\n 2015-02-17 , 5 \n"2015-02-18", "6"\n\n\n')
    assert (series.columns, values(series), series.notes) == (("Close",), [5, 6], ())


def test_a_separator_at_the_end_of_every_row_is_no_cell(read):
    assert values(read("Date,Close\n2015-02-17,5,\n2015-02-18,6,\n")) == [5, 6]


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("1,234.50", 1234.5),
        ("12,345,678", 12345678),
        ("$1,234", 1234),
        ("-$5.25", -5.25),
        ("1 234.5", 1234.5),
        ("1\N{NO-BREAK SPACE}234.5", 1234.5),
        ("1'234.5", 1234.5),
        ("−3.5", -3.5),
        ("+3.5", 3.5),
        (".5", 0.5),
        ("1e3", 1000),
        ("2.5 €", 2.5),
        ("123456789012345678901", 123456789012345678901.0),
    ],
)
def test_numbers(read, cell, number):
    series = read(f'Date,Close\n2015-02-17,"{cell}"\n2015-02-18,999\n2015-02-19,7.25\n')
    assert values(series) == [number, 999, 7.25]


@pytest.mark.parametrize(
    "cell", ["12,34", "1,23,456", "0x10", "1_000", "1.2.3", "True", "5%", "e5"]
)
def test_what_is_no_number_is_a_stray_and_never_another_number(read, cell):
    series = read(f'{HEADER}{JANUARY}2015-02-17,"{cell}"\n2015-02-18,7.25\n')
    assert values(series) == [*range(1, 31), 7.25]
    assert series.notes[0].startswith(
        "Left out 1 row that could not be read: line 32 ('2015-02-17,"
    )


def test_decimal_commas(read):
    german = "Datum;Schluss;Volumen\n17.02.2015;10.895,62;1.234\n18.02.2015;999,5;12.345\n"
    series = read(german, column="Schluss", features=["Volumen"])
    assert series.values.tolist() == [[10895.62, 1234], [999.5, 12345]]
    assert dates(series) == ["2015-02-17", "2015-02-18"]
    assert values(read('Date,Close\n2015-02-17,"12,50"\n2015-02-18,"-1,5"\n')) == [12.5, -1.5]


def test_thousands_or_decimals_are_asked_for_where_nothing_tells(read, refused):
    text = "Date;Close\n2015-02-17;1,234\n2015-02-18;2,000\n"
    assert "add --data decimal=point or --data decimal=comma" in refused(text)
    assert values(read(text, decimal="comma")) == [1.234, 2]
    assert values(read(text, decimal="point")) == [1234, 2000]
    quoted = 'Date,Close\n2015-02-17,"1,234"\n2015-02-18,"2,000"\n'
    assert values(read(quoted)) == [1234, 2000]  # a quoted thousands separator


def test_an_unquoted_number_with_a_comma_is_refused_not_cut_in_two(refused):
    sentence = refused("Date,Close\n2015-02-17,1,234\n2015-02-18,1,235\n")
    assert "line 2 ('2015-02-17,1,234') and line 3" in sentence
    assert "needs quotation marks" in sentence


# Dates


@pytest.mark.parametrize(
    ("first", "second", "read_as"),
    [
        ("2015-02-17", "2015-03-01", "2015-02-17"),
        ("2015/02/17", "2015/03/01", "2015-02-17"),
        ("20150217", "20150301", "2015-02-17"),
        ("2015-02", "2015-03", "2015-02-01"),
        ("2015-02-17T09:30:00", "2015-02-17 10:30", "2015-02-17T09:30"),
        ("2015-02-17 00:00:00 UTC", "2015-02-18 00:00:00 UTC", "2015-02-17"),
        ("02/03/2015", "13/03/2015", "2015-03-02"),
        ("02/03/2015", "03/13/2015", "2015-02-03"),
        ("2.3.2015", "13.3.2015", "2015-03-02"),
        ("02-03-15", "13-03-32", "2015-03-02"),
        ("2/3/15", "3/13/15", "2015-02-03"),
        ("15-02-03", "15-02-13", None),
        ("99-02-03", "99-02-13", "1999-02-03"),
        ("2/17/2015 9:30", "2/17/2015 10:30", "2015-02-17T09:30"),
        ("17/02/2015 09:30 PM", "17/02/2015 10:30 PM", "2015-02-17T21:30"),
        ("Feb 17, 2015", "Mar 1, 2015", "2015-02-17"),
        ("February 17, 2015", "March 1, 2015", "2015-02-17"),
        ("17-Feb-15", "01-Mar-15", "2015-02-17"),
        ("17 February 2015", "1 March 2015", "2015-02-17"),
    ],
)
def test_dates_as_they_are_written(read, refused, first, second, read_as):
    text = f'Date,Close\n"{first}",1\n"{second}",2\n'
    if read_as is None:
        assert "settles which is the day" in refused(text)
    else:
        series = read(text)
        assert (dates(series)[0], values(series), series.notes) == (read_as, [1, 2], ())


def test_day_or_month_is_settled_by_any_one_row_even_the_last(read):
    rows = [f"{1 + i % 12:02d}/{1 + i // 12:02d}/2015,{i}\n" for i in range(144)]
    series = read(f"{HEADER}{''.join(rows)}13/12/2015,144\n")
    assert dates(series)[:2] == ["2015-01-01", "2015-01-02"]
    assert dates(series)[-1] == "2015-12-13"
    series = read(f"{HEADER}{''.join(rows)}12/13/2015,144\n")
    assert dates(series)[:2] == ["2015-01-01", "2015-01-02"]
    assert (values(series)[1], dates(series)[-1]) == (12, "2015-12-13")


def test_day_or_month_is_asked_for_where_no_row_settles_it(read, refused):
    text = "Date,Close\n02/03/2015,1\n03/03/2015,2\n"
    assert refused(text) == (
        "No row of x.csv settles which is the day and which the month in the column 'Date', such "
        "as '02/03/2015': give --date-format '%d/%m/%Y' or '%m/%d/%Y'."
    )
    assert dates(read(text, date_format="%d/%m/%Y")) == ["2015-03-02", "2015-03-03"]
    assert dates(read(text, date_format="%m/%d/%Y")) == ["2015-02-03", "2015-03-03"]
    assert "'%d-%m-%y', '%m-%d-%y' or '%y-%m-%d'" in refused("Date,Close\n10-02-11,1\n11-02-11,2\n")
    same = "Date,Close\n03/03/2015,1\n04/04/2015,2\n"  # either way the same
    assert dates(read(same)) == ["2015-03-03", "2015-04-04"]


def test_dates_in_two_orders_are_refused_with_their_lines(refused):
    sentence = refused("Date,Close\n01/02/2015,0\n13/02/2015,1\n02/14/2015,2\n")
    assert "more than one order of day and month" in sentence
    assert "line 3 ('13/02/2015,1') and line 4 ('02/14/2015,2')" in sentence


def test_a_date_format_that_does_not_fit_or_is_none(refused):
    text = "Date,Close\n02/03/2015,1\n03/03/2015,2\n"
    assert (
        "does not hold dates written as %Y-%m-%d, from the years 1678 to 2261: line 2"
        in refused(text, date_format="%Y-%m-%d")
    )
    for wrong in ("%Q", "mixed", "ISO8601", "day", "%"):
        assert "is no date format" in refused(text, UsageError, date_format=wrong)


def test_local_times_where_they_are_clear_and_utc_where_they_are_not(read):
    daily = "2015-02-17 00:00:00-05:00,1\n2015-07-17 00:00:00-04:00,2\n"
    assert dates(read(HEADER + daily)) == ["2015-02-17", "2015-07-17"]
    fall_back = "2015-11-01 01:30:00-04:00,1\n2015-11-01 01:30:00-05:00,2\n"
    assert dates(read(HEADER + fall_back)) == ["2015-11-01T05:30", "2015-11-01T06:30"]
    out_of_order = "2015-11-01 01:30:00-04:00,1\n2015-11-01 01:15:00-05:00,2\n"
    assert dates(read(HEADER + out_of_order)) == ["2015-11-01T05:30", "2015-11-01T06:15"]
    spaced = "02/17/2015 09:30:00 -0500,1\n02/17/2015 10:30:00 -0500,2\n"
    assert dates(read(HEADER + spaced)) == ["2015-02-17T09:30", "2015-02-17T10:30"]


def test_seconds_since_1970_are_asked_for_never_guessed(read, refused):
    text = "timestamp,Close\n1424131200,1\n1424217600,2\n"
    assert "'unix' for seconds since 1970" in refused(text)
    assert dates(read(text, date_format="unix")) == ["2015-02-17", "2015-02-18"]
    assert dates(read(text.replace("00,", "00000,"), date_format="unix-ms")) == dates(
        read(text, date_format="unix")
    )


@pytest.mark.parametrize(
    "text",
    [
        "Open,Date,Close\n1,2015-02-18,2\n1,2015-02-17,1\n",
        "<DATE>,Close\n2015-02-18,2\n2015-02-17,1\n",
        ",Close\n2015-02-18,2\n2015-02-17,1\n",
        "observed,Close\n2015-02-18,2\n2015-02-17,1\n",
        "Time,date,Close\n10:30,2015-02-18,2\n10:30,2015-02-17,1\n",
    ],
)
def test_the_column_of_dates_is_found_and_the_rows_sorted(read, text):
    series = read(text)
    assert (dates(series), values(series)) == (["2015-02-17", "2015-02-18"], [1, 2])
    assert "were not in the order of" in series.notes[0]


def test_the_column_of_dates_can_be_named(read):
    text = "Date,Settled,Close\n2015-02-17,2015-03-02,1\n2015-02-18,2015-03-01,2\n"
    assert values(read(text)) == [1, 2]
    assert values(read(text, date_column="Settled")) == [2, 1]


def test_years_are_dates_and_other_counters_are_not(read):
    assert dates(read("Year,Spots\n1701.0,6\n1700.0,5\n")) == ["1700-01-01", "1701-01-01"]
    series = read("time,Close\n0.1,5\n0,6\n")
    assert (series.dates, values(series)) == (None, [5, 6])
    assert series.notes == ("x.csv has no column of dates: its rows are taken in their order.",)


def test_dates_that_can_not_be_read_are_said(refused):
    assert "such as 'day 1', can't be read as dates" in refused("Date,Close\nday 1,5\nday 2,6\n")
    assert "such as 'a', can't be" in refused("x,Close\na,5\nb,6\n", date_column="x")
    assert "with --date-column" in refused("x,Close\na,5\nb,6\n", date_format="%d/%m/%Y")


def test_now_and_a_year_beyond_the_calendar_are_strays(read):
    series = read(f"{HEADER}now,0\n0001-01-01,0\n{JANUARY}")
    assert values(series) == [*range(1, 31)]
    assert "2 rows that could not be read: line 2 ('now,0') and line 3" in series.notes[0]


# Strays, gaps, repeats


def test_stray_rows_are_named_by_line(read, refused):
    text = f"{HEADER}{JANUARY}\n{HEADER}Source: Yahoo Finance\n2015-02-17,1,2\n2015-02-18,x\n"
    series = read(text)
    assert values(series) == [*range(1, 31)]
    assert series.notes == (
        "Left out 4 rows that could not be read: line 33 ('Date,Close'), line 34 "
        "('Source: Yahoo Finance'), line 35 ('2015-02-17,1,2') and 1 more.",
    )
    assert "line 33 ('Date,Close')" in refused(text, gaps="refuse")


def test_the_three_headers_of_yfinance(read):
    head = "Price,Close,High\nTicker,AAPL,AAPL\nDate,,\n"
    series = read(head + "2015-01-01,5,6\n2015-01-02,7,8\n2015-01-03,7,8\n")
    assert values(series) == [5, 7, 7]
    assert "line 2 ('Ticker,AAPL,AAPL') and line 3 ('Date,,')" in series.notes[0]


def test_gaps_are_counted_and_dropped_or_refused(read, refused):
    text = f"{HEADER}{JANUARY}2015-02-01,\n2015-02-02,n/a\n,5\n2015-02-03\n2015-02-04,31\n"
    series = read(text)
    assert values(series) == [*range(1, 32)]
    assert series.notes == (
        "Left out 4 rows with an empty cell in Date and Close: line 32 ('2015-02-01,'), line 33 "
        "('2015-02-02,n/a'), line 34 (',5') and 1 more.",
    )
    assert "x.csv has 4 rows with an empty cell in Date and Close: line 32" in refused(
        text, gaps="refuse"
    )


def test_gaps_of_columns_that_are_not_read_do_not_count(read):
    text = "Date,Open,Close\n2015-02-17,,5\n2015-02-18,,6\n"
    assert (values(read(text, gaps="refuse")), read(text).notes) == ([5, 6], ())


@pytest.mark.parametrize("word", ["", "NaN", "nan", "null", "NULL", "N/A", "n/a", "-", ".", "None"])
def test_words_for_an_empty_cell(read, word):
    series = read(f"{HEADER}{JANUARY}2015-02-01,{word}\n")
    assert (values(series), len(series.notes)) == ([*range(1, 31)], 1)
    assert "1 row with an empty cell in Close: line 32" in series.notes[0]


def test_a_blank_line_is_a_gap_only_where_rows_have_no_dates(read):
    assert read("Date,Close\n2015-02-17,5\n\n2015-02-18,6\n").notes == ()
    series = read("Close\n1\n\n3\n\n\n")
    assert values(series) == [1, 3]
    assert "1 row with an empty cell in Close: line 3 ('')" in series.notes[0]


def test_lines_are_counted_through_cells_of_several_lines(read):
    text = 'Date,Note,Close\n2015-02-17,"a\nb",1\n2015-02-18,"c\n\nd",2\n2015-02-19,e,\n'
    assert "line 7 ('2015-02-19,e,')" in read(text).notes[0]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("inf", "inf"),
        ("-Infinity", "-inf"),
        ("1e999", "inf"),
        ("-1e300", "-1e+300"),
        ("4e38", "4e+38"),
    ],
)
def test_a_number_that_float32_can_not_hold_is_refused(refused, cell, value):
    assert refused(f"{HEADER}{JANUARY}2015-02-01,{cell}\n") == (
        f"The column 'Close' of x.csv holds {value}, too large a number to train on (the largest "
        f"is 3.4e+38): line 32 ('2015-02-01,{cell}')."
    )


def test_the_largest_number_of_float32_is_read(read):
    assert values(read(f"{HEADER}2015-02-01,-3.4e38\n2015-02-02,1\n")) == [-3.4e38, 1]


def test_rows_that_come_twice_are_dropped_and_counted(read, refused):
    series = read(f"{HEADER}{JANUARY}2015-01-01,1\n2015-01-02,2\n")
    assert values(series) == [*range(1, 31)]
    assert series.notes[1] == "Left out 2 rows that came twice, the same in every cell."
    sentence = refused(f"{HEADER}{JANUARY}2015-01-01,7\n")
    assert "line 2 ('2015-01-01,1') and line 32 ('2015-01-01,7')" in sentence


def test_several_series_are_told_apart_by_a_column_that_the_error_names(refused):
    assert refused(STOCKS) == (
        "x.csv has a date in more than one row (line 2 ('2015-02-17,AAPL,1'), line 3 "
        "('2015-02-17,NA,2') and line 4 ('2015-02-17,A=B,3')): choose one of the 3 series that "
        "the column 'Stock' tells apart (A=B, AAPL and NA), as in --where Stock=A=B."
    )
    many = "".join(f"2015-02-{d},the {i},{i}\n" for d in (17, 18) for i in range(100, 600))
    sentence = refused("Date,Name,Close\n" + many)
    assert "one of the 500 series that the column 'Name' tells apart (the 100, the 101," in sentence
    assert "and 488 more), as in --where 'Name=the 100'." in sentence
    numbered = "Date,Store,Close\n2015-02-17,1,5\n2015-02-17,2,5\n2015-02-18,1,5\n2015-02-18,2,5\n"
    assert "--where Store=1" in refused(numbered, column="Close")


@pytest.mark.parametrize(
    ("where", "expected"),
    [("Stock=AAPL", [1, 4]), ("Stock=NA", [2, 5]), ("Stock=A=B", [3, 6]), (" Stock = NA ", [2, 5])],
)
def test_where_chooses_a_series_by_literal_text(read, where, expected):
    series = read(STOCKS, where=where)
    assert (values(series), series.notes) == (expected, ())


def test_the_column_that_where_compares_is_the_series_only_if_no_other_has_numbers(read):
    text = "Date,Store,Level\n2015-02-17,1,5\n2015-02-17,2,7\n2015-02-18,1,6\n"
    assert (read(text, where="Store=1").columns, values(read(text, where="Store=1"))) == (
        ("Level",),
        [5, 6],
    )
    assert values(read("Date,Level\n2015-02-17,5\n2015-02-18,5\n", where="Level=5")) == [5, 5]


def test_where_with_a_wrong_name_or_value(refused):
    assert "called 'Stok'. Did you mean Stock?" in refused(STOCKS, UnknownName, where="Stok=AAPL")
    sentence = refused(STOCKS, UnknownName, where="Stock=APPL")
    assert sentence == "There is no row of x.csv whose column 'Stock' is 'APPL'. Did you mean AAPL?"
    assert "write --where COLUMN=VALUE" in refused(STOCKS, UsageError, where="AAPL")
    sentence = refused(HEADER + JANUARY, UnknownName, where="Close=Close")
    assert sentence.startswith("There is no row of x.csv whose column 'Close' is 'Close'.")
    assert refused(f"{HEADER}{JANUARY}{HEADER}", where="Close=Close") == (
        "No row with numbers is left of x.csv where 'Close' is 'Close': line 32 ('Date,Close')."
    )
    undated = refused(STOCKS, where="Stock=AAPL", date_format="%d/%m/%Y")
    assert "'Date' of x.csv does not hold dates written as %d/%m/%Y" in undated
    twice = STOCKS + "2015-02-17,AAPL,9\n"
    assert "keep one row for each date in the column 'Date'" in refused(twice, where="Stock=AAPL")


# No table at all


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "x.csv is empty"),
        (b"\n \n\n", "x.csv is empty"),
        ("Date,Close", "no rows below its line of column names"),
        ("Date,Close\n\n", "x.csv has 0 rows of numbers"),
        ("Date,Close\n2015-02-17,3\n", "x.csv has 1 row of numbers; a series needs more"),
        ("2015-02-17,3\n2015-02-18,3\n", "'2015-02-17,3', holds no column names"),
        ("3\n4\n", "holds no column names"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "is not a text file"),
        (bytes(range(256)), "is not a text file"),
        ("Date,Close\n".encode("utf-16-le"), "is not a text file"),
        ('Date,Close\n2015-02-17,"3\n2015-02-18,4\n', "a quotation mark is never closed"),
        ('"Date,Close\n2015-02-17,3\n2015-02-18,4\n', "quotation mark in the first line"),
        ("Date,Close\n2015-02-17,\0\n", "a null character in line 2): a CSV file is needed"),
        (f"{'x' * 200_000},Close\n2015-02-17,3\n", "a column's name is over 1,000 characters"),
        (",,\n,,\n", "x.csv is empty"),
        (b"1," * 600_000, "first line of x.csv is over a megabyte"),
        ("Date,Close,Way\n2015-02-17,,up\n2015-02-18,,down\n", "x.csv has 0 rows of numbers"),
    ],
)
def test_what_is_no_table_is_refused(refused, content, sentence):
    assert sentence in refused(content)


def test_a_column_of_text_is_refused(refused):
    text = "Date,Close,Way\n2015-02-17,1,up\n2015-02-18,2,down\n"
    assert "'Way' of x.csv does not hold numbers: line 2 ('2015-02-17,1,up')" in refused(
        text, column="Way"
    )
    flags = text.replace("up", "True").replace("down", "False")
    assert "'Way' of x.csv does not hold numbers" in refused(flags, column="Way")


def test_a_cell_of_two_megabytes_is_read_past(read):
    note = "x" * 2_000_000
    series = read(f"Date,Note,Close\n2015-02-17,{note},1\n2015-02-18,,2\n")
    assert (values(series), series.notes) == ([1, 2], ())
    series = read(f"{HEADER}2015-02-17,{note}\n{JANUARY}")
    assert "1 row that could not be read: line 2 or later (a cell there is too" in series.notes[0]


def test_control_characters_are_read_and_shown_harmlessly(read):
    series = read(f"Date,\x1bNote,Close\n2014-12-31,\x1b,\x1b[31m\n{JANUARY.replace(',', ',a,')}")
    assert values(series) == [*range(1, 31)]
    assert "line 2 ('2014-12-31,\ufffd,\ufffd[31m')" in series.notes[0]


def test_the_users_home_is_expanded(tmp_path, monkeypatch):
    (tmp_path / "x.csv").write_text(HEADER + JANUARY)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert values(load(csv="~/x.csv")) == [*range(1, 31)]


def test_a_missing_file_names_its_neighbour(tmp_path):
    (tmp_path / "apple.csv").write_text(HEADER)
    with pytest.raises(DataError, match=r"no file .*aple\.csv\. Did you mean .*apple\.csv\?"):
        load(csv=str(tmp_path / "aple.csv"))
    with pytest.raises(DataError, match=r"There is no folder .*nowhere either"):
        load(csv=str(tmp_path / "nowhere" / "x.csv"))
    with pytest.raises(DataError, match="is not a file"):
        load(csv=str(tmp_path))
    with pytest.raises(DataError, match="no file ~stranger/x"):
        load(csv="~stranger/x.csv")
    with pytest.raises(DataError, match="can't be read"):
        load(csv=f"{tmp_path}/a\0b")
    assert DataError.exit_code == 1


def test_what_a_file_holds_is_harmless_and_short_in_a_sentence(read):
    series = read(f"{HEADER}{JANUARY}\N{RIGHT-TO-LEFT OVERRIDE}\x85\x9b31m{'x' * 500},7\n")
    assert series.notes[0].isprintable()
    assert len(series.notes[0]) < 150


def test_columns_of_a_truncated_last_line(read):
    series = read(f"{HEADER}{JANUARY}2015-02-0")
    assert values(series) == [*range(1, 31)]
    assert "line 32 ('2015-02-0')" in series.notes[0]


# Anything at all

CELLS = st.sampled_from(
    ["1", "2.5", "1,5", "1,234", "$3", "inf", "1e400", "−1", "99999999999999999999", "", "NaN", "x"]
) | st.sampled_from(
    ["2015-02-17", "2/13/15", "2015-02-17 00:00:00-05:00", "Close", '"', '"a\nb"', "\0", "\x1b"]
)
TABLES = st.builds(
    lambda separator, rows: "\n".join(separator.join(row) for row in rows),
    st.sampled_from(",;\t| "),
    st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=8),
)
CONTENTS = st.one_of(
    st.binary(max_size=200),
    TABLES.map(str.encode),
    st.builds(lambda rows: f"Date,Close\n{rows}".encode(), TABLES),
    st.text(max_size=100).map(lambda text: text.encode("utf-16")),
)


def assert_whole(series: Series) -> None:
    assert series.values.dtype == np.float64
    assert series.values.ndim == 2
    assert len(series.values) >= 2
    assert np.isfinite(series.values).all()
    assert len(series.columns) == series.values.shape[1]
    assert series.dates is None or (np.diff(series.dates) > np.timedelta64(0)).all()
    assert all(note.isprintable() for note in series.notes)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    content=CONTENTS,
    column=st.sampled_from([None, "Close", "x"]),
    where=st.sampled_from([None, "Date=x", "="]),
    gaps=st.sampled_from(["drop", "refuse"]),
)
def test_any_file_is_a_series_or_one_sentence(tmp_path_factory, content, column, where, gaps):
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    path.write_bytes(content)
    try:
        series = load(csv=str(path), column=column, where=where, gaps=gaps)
    except ZooError as error:
        assert "\n" not in str(error)
    else:
        assert_whole(series)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1e12, 1e12, allow_subnormal=False), min_size=2, max_size=30),
    st.sampled_from([",", ";", "\t"]),
    st.randoms(use_true_random=False),
)
def test_what_pandas_writes_comes_back_whatever_the_order(tmp_path_factory, numbers, sep, random):
    index = pd.date_range("2015-01-01", periods=len(numbers), name="Date")
    frame = pd.DataFrame({"Close": numbers}, index=index)
    lines = frame.to_csv(sep=sep).splitlines(keepends=True)
    body = lines[1:]
    random.shuffle(body)
    path = tmp_path_factory.getbasetemp() / "order.csv"
    path.write_text("".join([lines[0], *body]))
    series = load(csv=str(path))
    np.testing.assert_array_max_ulp(series.values[:, 0], np.array(numbers), maxulp=1)
    np.testing.assert_array_equal(series.dates, index.to_numpy("datetime64[ns]"))
