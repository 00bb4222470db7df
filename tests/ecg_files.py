"""Writers of small files in the formats of ECG devices, for tests."""

import base64
import textwrap

import numpy as np

EIGHT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")


def coded(samples, width=76):
    """16-bit integers in base64, broken over lines."""
    data = base64.b64encode(np.asarray(samples).astype("<i2").tobytes()).decode()
    return "\n".join(textwrap.wrap(data, width))


def integers(signal, microvolts):
    return np.round(np.asarray(signal) * 1000 / microvolts).astype(int)


def muse_lead(name, samples, per_bit="4.88", units="MICROVOLTS", extra=""):
    return f"""<LeadData>
<LeadByteCountTotal>{2 * len(samples)}</LeadByteCountTotal>
<LeadTimeOffset>0</LeadTimeOffset>
<LeadSampleCountTotal>{len(samples)}</LeadSampleCountTotal>
<LeadAmplitudeUnitsPerBit>{per_bit}</LeadAmplitudeUnitsPerBit>
<LeadAmplitudeUnits>{units}</LeadAmplitudeUnits>
<LeadHighLimit>2147483647</LeadHighLimit>
<LeadLowLimit>268435456</LeadLowLimit>
<LeadID>{name}</LeadID>
<LeadOffsetFirstSample>0</LeadOffsetFirstSample>
<FirstSampleBaseline>0</FirstSampleBaseline>
<LeadSampleSize>2</LeadSampleSize>
<LeadOff>FALSE</LeadOff>
<BaselineSway>FALSE</BaselineSway>
<LeadDataCRC32>1023884912</LeadDataCRC32>
<WaveFormData>
{coded(samples)}
</WaveFormData>
{extra}</LeadData>"""


def muse_waveform(kind, leads, base=500, exponent=0, **options):
    """A waveform of GE MUSE XML from ``{lead: integers}``."""
    return f"""<Waveform>
<WaveformType>{kind}</WaveformType>
<WaveformStartTime>0</WaveformStartTime>
<NumberofLeads>{len(leads)}</NumberofLeads>
<SampleType>CONTINUOUS_SAMPLES</SampleType>
<SampleBase>{base}</SampleBase>
<SampleExponent>{exponent}</SampleExponent>
<HighPassFilter>16</HighPassFilter>
<LowPassFilter>150</LowPassFilter>
<ACFilter>NONE</ACFilter>
{"".join(muse_lead(name, samples, **options) for name, samples in leads.items())}
</Waveform>"""


def muse_diagnosis(tag, statements):
    """Statements are texts, or pairs of text and flags."""
    parts = []
    for statement in statements:
        text, *flags = (statement, "ENDSLINE") if isinstance(statement, str) else statement
        flags = "".join(f"<StmtFlag>{flag}</StmtFlag>" for flag in flags)
        parts.append(f"<DiagnosisStatement>{flags}<StmtText>{text}</StmtText></DiagnosisStatement>")
    return f"<{tag}><Modality>RESTING</Modality>{''.join(parts)}</{tag}>"


def muse_document(*waveforms, diagnosis="", encoding="ISO-8859-1", patient="4711", doctype=True):
    declared = '<!DOCTYPE RestingECG SYSTEM "restecg.dtd">\n' if doctype else ""
    return f"""<?xml version="1.0" encoding="{encoding}"?>
{declared}<RestingECG>
<MuseInfo><MuseVersion>9.0.10.18530</MuseVersion></MuseInfo>
<PatientDemographics>
<PatientID>{patient}</PatientID><PatientAge>63</PatientAge><AgeUnits>YEARS</AgeUnits>
<DateofBirth>03-04-1957</DateofBirth><Gender>FEMALE</Gender>
<PatientLastName>MÜLLER</PatientLastName><PatientFirstName>ERIKA</PatientFirstName>
</PatientDemographics>
<TestDemographics>
<DataType>RESTING</DataType><AcquisitionDevice>MAC55</AcquisitionDevice>
<AcquisitionTime>10:11:12</AcquisitionTime><AcquisitionDate>05-06-2020</AcquisitionDate>
</TestDemographics>
<RestingECGMeasurements>
<VentricularRate>72</VentricularRate><AtrialRate>72</AtrialRate><PRInterval>160</PRInterval>
<QRSDuration>88</QRSDuration><QTInterval>390</QTInterval><QTCorrected>426</QTCorrected>
<PAxis>50</PAxis><RAxis>-12</RAxis><TAxis>40</TAxis>
<ECGSampleBase>500</ECGSampleBase><ECGSampleExponent>0</ECGSampleExponent>
</RestingECGMeasurements>
{diagnosis}
{"".join(waveforms)}
</RestingECG>""".encode(encoding)


def muse_bytes(signal, names, *, per_bit=4.88, n_median=600, **options):
    """A file as MUSE exports it: the median beat, then the rhythm strip, of eight leads.

    Parameters
    ----------
    signal : array of shape (n_leads, n_times)
        In mV.
    names : sequence of str
    """
    samples = dict(zip(names, integers(signal, per_bit), strict=True))
    rhythm = {name: samples[name] for name in EIGHT}
    median = {name: np.arange(n_median) - 300 + k for k, name in enumerate(EIGHT)}
    return muse_document(
        muse_waveform("Median", median, per_bit=per_bit),
        muse_waveform("Rhythm", rhythm, per_bit=per_bit),
        **options,
    )


LIMB = ("I", "II", "III", "aVR", "aVL", "aVF")
TWELVE = (*LIMB, "V1", "V2", "V3", "V4", "V5", "V6")


def lzw_bytes(data, bits=10):
    """Encode bytes as LZW codes of fixed width."""
    table, codes, word = {bytes([i]): i for i in range(256)}, [], b""
    for value in data:
        longer = word + bytes([value])
        if longer in table:
            word = longer
            continue
        codes.append(table[word])
        if len(table) < (1 << bits) - 1:
            table[longer] = len(table)
        word = bytes([value])
    codes.append(table[word])
    text = "".join(f"{code:0{bits}b}" for code in codes)
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def xli_bytes(samples):
    """Encode one lead in XLI: second differences, high bytes before low bytes, LZW."""
    x = np.asarray(samples, dtype=np.int64)
    bends = 2 * x[1:-1] - x[:-2] - x[2:]
    values = np.concatenate([x[:2], bends[1:] + 64, [64]]).astype(np.int16).view(np.uint16)
    body = lzw_bytes(bytes(values >> 8 & 255 for values in values.tolist())
                     + bytes(values & 255 for values in values.tolist()))  # fmt: skip
    return len(body).to_bytes(4, "little") + b"\0\0" + int(bends[0]).to_bytes(
        2, "little", signed=True
    ) + body  # fmt: skip


def philips_residuals(samples):
    """What XLI stores of the limb leads III, aVR, aVL and aVF."""
    one, two, three, avr, avl, avf = samples[:6]
    rest = [two - one - three, -((one + two) // 2) - avr]
    rest += [(one - three) // 2 - avl, (two + three) // 2 - avf]
    return [one, two, *rest, *samples[6:]]


def philips_bytes(signal, names=TWELVE, *, resolution=5, rate=500, xli=True, statements=()):
    samples = integers(signal, resolution)
    if xli:
        stored = philips_residuals(list(samples)) if tuple(names[:6]) == LIMB else samples
        data = b"".join(xli_bytes(lead) for lead in stored)
        how = 'compressflag="True" compression="XLI"'
    else:
        data = samples.astype("<i2").tobytes()
        how = 'compressflag="False"'
    text = "\n".join(textwrap.wrap(base64.b64encode(data).decode(), 76))
    said = "".join(
        f"<statement><statementcode>X</statementcode><leftstatement>{left}</leftstatement>"
        f"<rightstatement>rate 50-99</rightstatement></statement>"
        for left in statements
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<restingecgdata xmlns="http://www3.medical.philips.com">
<documentinfo><documenttype>PhilipsECG</documenttype><documentversion>1.04</documentversion>
</documentinfo>
<patient><generalpatientdata><patientid>4711</patientid>
<name><lastname>Roe</lastname><firstname>Jane</firstname></name>
<age><dateofbirth>1950-01-02</dateofbirth><years>70</years></age><sex>Female</sex>
</generalpatientdata></patient>
<dataacquisition date="2020-05-06" time="10:11:12"><machine>PageWriter</machine>
<signalcharacteristics><samplingrate>{rate}</samplingrate><resolution>{resolution}</resolution>
<signalsigned>True</signalsigned><signaloffset>0</signaloffset>
<numberchannelsallocated>{len(names)}</numberchannelsallocated>
<acquisitiontype>STD-12</acquisitiontype></signalcharacteristics></dataacquisition>
<interpretations><interpretation><globalmeasurements><heartrate>66</heartrate>
<print>150</print><qrsdur>90</qrsdur><qtint>400</qtint><qtcb>420</qtcb>
<pfrontaxis>30</pfrontaxis><qrsfrontaxis>40</qrsfrontaxis><tfrontaxis>---</tfrontaxis>
</globalmeasurements>{said}</interpretation></interpretations>
<waveforms><parsedwaveforms dataencoding="Base64" {how} numberofleads="{len(names)}"
leadlabels="{" ".join(names)}" durationperchannel="{round(len(signal[0]) * 1000 / rate)}">
{text}
</parsedwaveforms>
<repbeats dataencoding="Base64" samplespersec="1000" resolution="5"><repbeat leadname="I">
<waveform duration="4">{coded([9, 9, 9, 9])}</waveform></repbeat></repbeats>
</waveforms></restingecgdata>""".encode()


def mortara_bytes(signal, names=TWELVE, *, per_millivolt=400, rate=500, statements=()):
    samples = integers(signal, 1000 / per_millivolt)
    channel = (
        '<CHANNEL BITS="16" FORMAT="SIGNED" UNITS_PER_MV="{u}" DURATION="{n}" SAMPLE_FREQ="{r}" '
        'ENCODING="BASE64" OFFSET="0" NAME="{name}" DATA="{data}"/>\n'
    )
    channels = "".join(
        channel.format(u=per_millivolt, n=len(s), r=rate, name=name, data=coded(s, 10**9))
        for name, s in zip(names, samples, strict=True)
    )
    said = "".join(f'<STATEMENT TEXT="{text}" REASON="because"/>' for text in statements)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- Generated by ELI Link -->
<ECG ACQUISITION_TIME="20200506101112" VENT_RATE="61" AVERAGE_RR="983" AGE="55" AGE_UNITS="YEARS">
<SUBJECT LAST_NAME="Roe" FIRST_NAME="Jane" ID="4711" GENDER="Female" DOB="19650102"/>
<SOURCE TYPE="STD-12" MANUFACTURER="Mortara Instrument, Inc." MODEL="ELI 280"/>
<AUTOMATIC_INTERPRETATION>{said}</AUTOMATIC_INTERPRETATION>
<TYPICAL_CYCLE BITS="16" FORMAT="SIGNED" UNITS_PER_MV="{per_millivolt}" SAMPLE_FREQ="1000"
ENCODING="BASE64" PR_DURATION="140" QRS_DURATION="92" QT="380" QTC="400" QRS_AXIS="15">
<TYPICAL_CYCLE_CHANNEL NAME="I" DATA="{coded([7, 7, 7])}"/></TYPICAL_CYCLE>
{channels}</ECG>""".encode()


def aecg_set(leads, *, start="20200506101112.000", rate=500, scale=2.5, origin=0, unit="uV"):
    """A sequence set of HL7 aECG from ``{lead: integers}``; `start` in s is a relative time."""
    if isinstance(start, str):
        code, kind, head = "TIME_ABSOLUTE", "GLIST_TS", f'<head value="{start}"/>'
    else:
        code, kind, head = "TIME_RELATIVE", "GLIST_PQ", f'<head value="{start}" unit="s"/>'
    parts = [
        f'<sequence><code code="{code}" codeSystem="2.16.840.1.113883.5.4"/>'
        f'<value xsi:type="{kind}">{head}<increment value="{1 / rate:g}" unit="s"/></value>'
        "</sequence>"
    ]
    parts += [
        f'<sequence><code code="MDC_ECG_LEAD_{name.upper()}"/><value xsi:type="SLIST_PQ">'
        f'<origin value="{origin}" unit="{unit}"/><scale value="{scale}" unit="{unit}"/>'
        f"<digits>{' '.join(map(str, np.asarray(samples).tolist()))}</digits></value></sequence>"
        for name, samples in leads.items()
    ]
    inside = "".join(f"<component>{part}</component>" for part in parts)
    return f"<component><sequenceSet>{inside}</sequenceSet></component>"


def aecg_series(*sets, code="RHYTHM", annotations="", derived=""):
    return f"""<component><series><code code="{code}" codeSystem="2.16.840.1.113883.5.4"/>
<effectiveTime><low value="20200506101112"/></effectiveTime>
<author><seriesAuthor><manufacturedSeriesDevice><manufacturerModelName>MAC</manufacturerModelName>
</manufacturedSeriesDevice></seriesAuthor></author>
{"".join(sets)}{derived}
<subjectOf><annotationSet>{annotations}</annotationSet></subjectOf></series></component>"""


def aecg_annotation(code, value, unit=None, inner=""):
    value = (
        f'<value xsi:type="ST">{value}</value>' if unit is None
        else f'<value xsi:type="PQ" value="{value}" unit="{unit}"/>'
    )  # fmt: skip
    return f'<component><annotation><code code="{code}"/>{value}{inner}</annotation></component>'


def aecg_bytes(*series, encoding="UTF-8"):
    return f"""<?xml version="1.0" encoding="{encoding}"?>
<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<id root="61d1a24f-b47e-41aa-ae95-f8ac302f4eeb"/>
<componentOf><timepointEvent><componentOf><subjectAssignment><subject><trialSubject>
<id root="2.16" extension="4711"/><subjectDemographicPerson><name>ABC</name>
<administrativeGenderCode code="M"/><birthTime value="19530508"/></subjectDemographicPerson>
</trialSubject></subject></subjectAssignment></componentOf></timepointEvent></componentOf>
{"".join(series)}</AnnotatedECG>""".encode(encoding)


_SCP_CODE = {"I": 1, "II": 2, "III": 61, "aVR": 62, "aVL": 63, "aVF": 64}
_SCP_CODE |= {f"V{i}": i + 2 for i in range(1, 7)}


def dicom_group(samples, names, *, rate=500, sensitivity=2.5, unit="uV", **fields):
    """A multiplex group of a DICOM waveform from integers of shape (n_leads, n_times)."""
    from pydicom.dataset import Dataset

    group = Dataset()
    samples = np.asarray(samples)
    group.WaveformOriginality = "ORIGINAL"
    group.NumberOfWaveformChannels = len(names)
    group.NumberOfWaveformSamples = samples.shape[1]
    group.SamplingFrequency = rate
    group.MultiplexGroupTimeOffset = 0
    group.WaveformBitsAllocated = 16
    group.WaveformSampleInterpretation = "SS"
    group.ChannelDefinitionSequence = []
    for name in names:
        channel, source, units = Dataset(), Dataset(), Dataset()
        source.CodeValue, source.CodingSchemeDesignator = f"2:{_SCP_CODE[name]}", "MDC"
        source.CodeMeaning = f"Lead {name}"
        units.CodeValue, units.CodingSchemeDesignator, units.CodeMeaning = unit, "UCUM", unit
        channel.ChannelSourceSequence = [source]
        channel.ChannelSensitivity = sensitivity
        channel.ChannelSensitivityUnitsSequence = [units]
        channel.ChannelSensitivityCorrectionFactor = 1
        channel.ChannelBaseline = 0
        channel.ChannelSampleSkew = "0"
        channel.WaveformBitsStored = 16
        group.ChannelDefinitionSequence.append(channel)
    group.WaveformData = samples.T.astype("<i2").tobytes()
    for key, value in fields.items():
        setattr(group, key, value)
    return group


def write_dicom(path, *groups, statements=(), uid="1.2.840.10008.5.1.4.1.1.9.1.1", syntax=None):
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = syntax or ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = uid
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = generate_uid(
        entropy_srcs=["merit"]
    )
    data.PatientID, data.PatientName, data.PatientSex = "4711", "Roe^Jane", "F"
    data.PatientBirthDate, data.PatientAge, data.Modality = "19500102", "070Y", "ECG"
    data.WaveformSequence = list(groups)
    data.WaveformAnnotationSequence = []
    for text in statements:
        item = Dataset()
        item.UnformattedTextValue = text
        item.ReferencedWaveformChannels = [1, 0]
        data.WaveformAnnotationSequence.append(item)
    data.save_as(path, enforce_file_format=True)


def scp_bytes(samples, names=TWELVE, *, rate=500, nanovolts=2500):
    """An SCP-ECG file without compression: sections 0, 1, 3 and 6."""
    import binascii
    import struct

    samples = np.asarray(samples)
    n_times = samples.shape[1]
    tags = [(2, b"4711\0"), (1, b"Jane\0"), (0, b"Roe\0"), (8, b"\2"), (25, b"\xe4\x07\5\6"),
            (255, b"")]  # fmt: skip
    bodies = {
        1: b"".join(struct.pack("<BH", tag, len(value)) + value for tag, value in tags),
        3: struct.pack("<BB", len(names), len(names) << 3 | 4)
        + b"".join(struct.pack("<IIB", 1, n_times, _SCP_CODE[name]) for name in names),
        6: struct.pack("<HHBB", nanovolts, 1_000_000 // rate, 0, 0)
        + struct.pack(f"<{len(names)}H", *[2 * n_times] * len(names))
        + samples.astype("<i2").tobytes(),
    }
    bodies = {number: body + b"\0" * (len(body) % 2) for number, body in bodies.items()}
    listed = [0, 1, 3, 6]
    at, pointers = 7, b""
    sizes = {0: 16 + 10 * len(listed)} | {n: 16 + len(body) for n, body in bodies.items()}
    for number in listed:
        pointers += struct.pack("<HII", number, sizes[number], at)
        at += sizes[number]
    bodies[0] = pointers
    sections = b""
    for number in listed:
        rest = struct.pack("<HIBB", number, sizes[number], 20, 20)
        rest += (b"SCPECG" if number == 0 else b"\0" * 6) + bodies[number]
        sections += struct.pack("<H", binascii.crc_hqx(rest, 0xFFFF)) + rest
    rest = struct.pack("<I", 6 + len(sections)) + sections
    return struct.pack("<H", binascii.crc_hqx(rest, 0xFFFF)) + rest


def ishne_bytes(samples, codes, *, rate=200, nanovolts=2500):
    """An ISHNE Holter file."""
    import binascii
    import struct

    samples = np.asarray(samples)
    n = len(codes)
    fill = [-9] * (12 - n)
    block = struct.pack("<iiiih", 0, samples.shape[1], 522, 522, 1)
    block += b"Jane".ljust(40, b"\0") + b"Roe".ljust(40, b"\0") + b"4711".ljust(20, b"\0")
    block += struct.pack("<hh", 2, 1) + struct.pack("<3h", 2, 1, 1950)
    block += struct.pack("<3h", 6, 5, 2020) * 2 + struct.pack("<3h", 10, 11, 12)
    block += struct.pack("<h", n) + struct.pack("<12h", *codes, *fill)
    block += struct.pack("<12h", *[1] * n, *fill) + struct.pack("<12h", *[nanovolts] * n, *fill)
    block += struct.pack("<h", 0) + b"digital".ljust(40, b"\0") + struct.pack("<h", rate)
    block = block.ljust(512, b"\0")
    crc = struct.pack("<H", binascii.crc_hqx(block, 0xFFFF))
    return b"ISHNE1.0" + crc + block + samples.T.astype("<i2").tobytes()
